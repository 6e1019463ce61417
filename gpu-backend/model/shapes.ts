/**
 * Does a folder hold the tensors its config.json promises, in the shapes it promises?
 */
import type { Architecture } from './config.ts';
import { blockTensor, EMBEDDING, FINAL_NORM, headProduct } from './products.ts';
import type { Weights } from './safetensors.ts';

/** Every tensor of the architecture with its shape. */
export function expectedShapes(architecture: Architecture): Map<string, readonly number[]> {
  const { layers, width, hidden, vocabulary } = architecture;
  const shapes = new Map<string, readonly number[]>([
    [EMBEDDING, [vocabulary, width]],
    [FINAL_NORM, [width]],
    [headProduct(architecture).parts[0], [vocabulary, width]],
  ]);
  for (let layer = 0; layer < layers; layer++) {
    for (const norm of ['attn_norm', 'ff_norm']) shapes.set(blockTensor(layer, norm), [width]);
    for (const square of ['q_proj', 'k_proj', 'v_proj', 'attn_out']) {
      shapes.set(blockTensor(layer, square), [width, width]);
    }
    for (const wide of ['ff_proj', 'up_proj']) shapes.set(blockTensor(layer, wide), [hidden, width]);
    shapes.set(blockTensor(layer, 'ff_out'), [width, hidden]);
  }
  return shapes;
}

/** @throws Error naming the tensors that are missing, misshapen or of a type that is no floating-point number. */
export function checkWeights(architecture: Architecture, weights: Weights): void {
  const reasons: string[] = [];
  for (const [name, shape] of expectedShapes(architecture)) {
    const tensor = weights.get(name);
    if (tensor === undefined) reasons.push(`${name} is missing`);
    else if (tensor.shape.join() !== shape.join()) {
      reasons.push(`${name} is ${tensor.shape.join(' x ')}, config.json makes it ${shape.join(' x ')}`);
    } else if (!['float32', 'float16', 'bfloat16'].includes(tensor.type)) {
      reasons.push(`${name} has type ${tensor.type}; float32, float16 and bfloat16 are supported`);
    }
  }
  if (reasons.length > 0) throw new Error(`the weights do not fit config.json: ${reasons.join('; ')}`);
}

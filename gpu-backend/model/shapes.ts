/**
 * Does a folder hold the tensors its config.json promises, in the shapes it promises?
 */
import type { Architecture } from './config.ts';
import { allProducts, otherTensors } from './products.ts';
import type { Weights } from './safetensors.ts';

/** Every tensor of the architecture with its shape. */
export function expectedShapes(architecture: Architecture): Map<string, readonly number[]> {
  const shapes = otherTensors(architecture);
  for (const { weight, from, to } of allProducts(architecture)) shapes.set(weight, [to, from]);
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

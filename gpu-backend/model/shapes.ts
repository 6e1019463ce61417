/**
 * Does a folder hold the tensors its config.json promises, in the shapes it promises?
 */
import type { Architecture, FusedTensor } from './architecture.ts';
import type { StoredTensor } from './onnx.ts';
import { allProducts, otherTensors } from './products.ts';
import type { Weights } from './safetensors.ts';

/** Every tensor of the architecture as it is stored, with its shape. */
export function expectedShapes(architecture: Architecture): Map<string, readonly number[]> {
  const shapes = otherTensors(architecture);
  for (const { weight, from, to } of allProducts(architecture)) shapes.set(weight, [to, from]);
  for (const { name, parts, columns } of architecture.tensors.fused) {
    for (const part of parts) shapes.delete(part.name);
    shapes.set(name, [parts.reduce((sum, { rows }) => sum + rows, 0), columns]);
  }
  return shapes;
}

/** Parameters of the architecture: every stored number once. */
export function countParameters(architecture: Architecture): number {
  const sizes = [...expectedShapes(architecture).values()].map((shape) => shape.reduce((a, b) => a * b, 1));
  return sizes.reduce((sum, size) => sum + size, 0);
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

/** The same weights with the parts of fused tensors as tensors of their own, each where it lies. */
export function withParts({ tensors }: Architecture, weights: Weights): Weights {
  const all = new Map(weights);
  for (const fused of tensors.fused) {
    const whole = weights.get(fused.name);
    if (whole !== undefined) for (const [name, part] of partsOf(fused, whole)) all.set(name, part);
  }
  return all;
}

function partsOf({ parts, columns }: FusedTensor, whole: StoredTensor): [string, StoredTensor][] {
  const rowBytes = whole.bytes / whole.shape[0];
  let { offset } = whole;
  return parts.map(({ name, rows }) => {
    const part = { ...whole, offset, bytes: rows * rowBytes, shape: [rows, columns] };
    offset += part.bytes;
    return [name, part];
  });
}

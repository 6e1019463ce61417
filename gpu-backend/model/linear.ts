/**
 * A product with its bias, where it has one.
 */
import { toHalf } from './float16.ts';
import type { GraphBuilder } from './onnx.ts';
import { floatTensor, type Operand, type Precision, type Rows, settle } from './precision.ts';
import type { Product } from './products.ts';
import type { Weights } from './safetensors.ts';

/** operand W^T + b, in the type of the precision. A bias is added behind the rows' scales: they do not belong to it. */
export function linear(
  graph: GraphBuilder,
  weights: Weights,
  precision: Precision,
  operand: Operand,
  product: Product,
): Rows {
  const result = precision.multiply(operand, product);
  if (product.bias === undefined) return result;
  const bias = floatTensor(graph, weights, product.bias);
  const added = [settle(graph, result), result.half === true ? toHalf(graph, bias) : bias];
  return { value: graph.node('Add', added), half: result.half };
}

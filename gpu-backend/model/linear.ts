/**
 * A product with its bias, where it has one.
 */
import type { GraphBuilder, Value } from './onnx.ts';
import { floatTensor, type Operand, type Precision, settle } from './precision.ts';
import type { Product } from './products.ts';
import type { Weights } from './safetensors.ts';

/** operand W^T + b. The bias is added behind the rows' scales: they do not belong to it. */
export function linear(
  graph: GraphBuilder,
  weights: Weights,
  precision: Precision,
  operand: Operand,
  product: Product,
): Value {
  const result = settle(graph, precision.multiply(operand, product));
  return product.bias === undefined ? result : graph.node('Add', [result, floatTensor(graph, weights, product.bias)]);
}

/**
 * The feed-forward half of a block: a gated linear unit (Shazeer 2020), out = (activation(x G) * x U) D; SwiGLU or GeGLU.
 */
import type { Architecture } from './architecture.ts';
import type { GraphBuilder, Value } from './onnx.ts';
import { type Precision, type Rows, settle } from './precision.ts';
import type { BlockProducts } from './products.ts';

/** Normalised rows -> the feed-forward part's contribution to the residual stream. */
export function feedForward(
  graph: GraphBuilder,
  { activation }: Architecture,
  precision: Precision,
  products: BlockProducts,
  rows: Value,
): Rows {
  const operand = precision.prepare({ value: rows }, products.gate);
  const gate = settle(graph, precision.multiply(operand, products.gate));
  const opened = activate(graph, activation, gate);
  // The factor that the rows of `up` still owe passes through to the next product.
  const up = precision.multiply(operand, products.up);
  const gated = precision.prepare({ ...up, value: graph.node('Mul', [opened, up.value]) }, products.down);
  return precision.multiply(gated, products.down);
}

export function activate(graph: GraphBuilder, activation: Architecture['activation'], x: Value): Value {
  // QuickGelu is x sigmoid(alpha x); with alpha 1 that is SiLU. Gelu is the exact one, with the error function.
  return activation === 'silu' ? graph.node('QuickGelu', [x], { alpha: { float: 1 } }) : graph.node('Gelu', [x]);
}

/**
 * The feed-forward half of a block: SwiGLU (Shazeer 2020), out = (silu(x G) * x U) D.
 */
import type { GraphBuilder, Value } from './onnx.ts';
import { type Precision, type Rows, settle } from './precision.ts';
import type { BlockProducts } from './products.ts';

/** Normalised rows -> the feed-forward part's contribution to the residual stream. */
export function feedForward(graph: GraphBuilder, precision: Precision, products: BlockProducts, rows: Value): Rows {
  const operand = precision.prepare({ value: rows }, products.gate);
  // QuickGelu is x sigmoid(alpha x); with alpha 1 that is SiLU.
  const gate = settle(graph, precision.multiply(operand, products.gate));
  const opened = graph.node('QuickGelu', [gate], { alpha: { float: 1 } });
  // The factor that the rows of `up` still owe passes through to the next product.
  const up = precision.multiply(operand, products.up);
  const gated = precision.prepare({ ...up, value: graph.node('Mul', [opened, up.value]) }, products.down);
  return precision.multiply(gated, products.down);
}

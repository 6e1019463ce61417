/**
 * The feed-forward half of a block: SwiGLU (Shazeer 2020), out = (silu(x G) * x U) D.
 */
import type { GraphBuilder, Value } from './onnx.ts';
import { type Precision, type Rows, settle } from './precision.ts';
import type { BlockProducts } from './products.ts';

/** Normalised rows -> the feed-forward part's contribution to the residual stream. */
export function feedForward(graph: GraphBuilder, precision: Precision, products: BlockProducts, rows: Value): Rows {
  const both = precision.multiply({ value: rows }, products.gateUp);
  const [gate, up] = graph.nodes('Split', [both.value], 2, { axis: { int: 1 }, num_outputs: { int: 2 } });
  // QuickGelu is x sigmoid(alpha x); with alpha 1 that is SiLU.
  const opened = graph.node('QuickGelu', [settle(graph, { ...both, value: gate })], { alpha: { float: 1 } });
  // The factor that the rows of `up` still owe passes through to the next product.
  return precision.multiply({ ...both, value: graph.node('Mul', [opened, up]) }, products.feedForwardOut);
}

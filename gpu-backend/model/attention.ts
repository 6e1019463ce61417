/**
 * Bidirectional attention with rotary positions (RoFormer, Su et al. 2021; halves rotated as in GPT-NeoX and LLaDA).
 */
import type { Architecture } from './config.ts';
import type { GraphBuilder, Value } from './onnx.ts';
import { PADDING_SCORE, type PaddingInputs } from './padding.ts';
import { type Precision, type Rows, settle } from './precision.ts';
import type { BlockProducts, Product } from './products.ts';

/** Values all blocks share. */
export interface AttentionShared {
  readonly padding: PaddingInputs;
  /** batch, length, -1: what makes canvases of rows. */
  readonly canvasShape: Value;
  readonly rowShape: Value;
  readonly cosines: Value;
  readonly sines: Value;
  readonly origin: Value;
}

/** Tables of the rotation angles and the shapes, once for the graph. `idsShape` is the shape of batch x length. */
export function attentionShared(
  graph: GraphBuilder,
  shape: Architecture,
  idsShape: Value,
  padding: PaddingInputs,
): AttentionShared {
  const half = shape.headWidth / 2;
  const cosines = new Float32Array(shape.context * half);
  const sines = new Float32Array(shape.context * half);
  for (let position = 0; position < shape.context; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * shape.ropeTheta ** (-i / half);
      cosines[position * half + i] = Math.cos(angle);
      sines[position * half + i] = Math.sin(angle);
    }
  }
  const rest = graph.constant(BigInt64Array.of(-1n), [1]);
  return {
    padding,
    canvasShape: graph.node('Concat', [idsShape, rest], { axis: { int: 0 } }),
    rowShape: graph.constant(BigInt64Array.of(-1n, BigInt(shape.width)), [2]),
    cosines: graph.constant(cosines, [shape.context, half]),
    sines: graph.constant(sines, [shape.context, half]),
    origin: graph.constant(BigInt64Array.of(0n), [1]),
  };
}

/** Normalised rows (batch * length x width) -> the attention's contribution to the residual stream. */
export function attention(
  graph: GraphBuilder,
  shape: Architecture,
  shared: AttentionShared,
  precision: Precision,
  products: BlockProducts,
  rows: Value,
): Rows {
  const operand = precision.prepare({ value: rows });
  const project = (product: Product) => {
    const settled = settle(graph, precision.multiply(operand, product));
    return graph.node('Reshape', [settled, shared.canvasShape]);
  };
  const rotate = (x: Value, heads: number) =>
    graph.node('RotaryEmbedding', [x, shared.origin, shared.cosines, shared.sines], {
      num_heads: { int: heads },
      interleaved: { int: 0 },
    });
  const spread = (x: Value) => (shape.keyHeads === shape.heads ? x : repeatHeads(graph, shape, x, shared.canvasShape));
  const query = rotate(project(products.query), shape.heads);
  const key = spread(rotate(project(products.key), shape.keyHeads));
  const value = spread(project(products.value));
  const mixed = graph.node('MultiHeadAttention', [query, key, value, '', ...shared.padding], {
    num_heads: { int: shape.heads },
    mask_filter_value: { float: PADDING_SCORE },
  });
  const mixedRows = precision.prepare({ value: graph.node('Reshape', [mixed, shared.rowShape]) });
  return precision.multiply(mixedRows, products.attentionOut);
}

/** Grouped-query attention (Ainslie et al. 2023): gives every query head its copy of the keys it shares. */
function repeatHeads(graph: GraphBuilder, shape: Architecture, x: Value, canvasShape: Value): Value {
  const { keyHeads, headWidth } = shape;
  const group = shape.heads / keyHeads;
  const ints = (...values: number[]) => graph.constant(BigInt64Array.from(values, BigInt), [values.length]);
  // In a Reshape, 0 keeps an axis as it is; in an Expand, 1 does.
  const apart = graph.node('Reshape', [x, ints(0, 0, keyHeads, 1, headWidth)]);
  const repeated = graph.node('Expand', [apart, ints(1, 1, keyHeads, group, headWidth)]);
  return graph.node('Reshape', [repeated, canvasShape]);
}

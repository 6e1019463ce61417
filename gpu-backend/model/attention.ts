/**
 * Bidirectional attention with rotary positions (RoFormer, Su et al. 2021; halves rotated as in GPT-NeoX and LLaDA).
 */
import type { Architecture } from './config.ts';
import type { Mixing } from './mixing.ts';
import type { GraphBuilder, Value } from './onnx.ts';
import { gatherRows, type Operand, type Precision, type Rows, settle } from './precision.ts';
import type { BlockProducts, Product } from './products.ts';

/** Values all blocks share. */
export interface AttentionShared {
  readonly mixing: Mixing;
  /** batch, length, -1: what makes canvases of rows. */
  readonly canvasShape: Value;
  readonly rowShape: Value;
  readonly cosines: Value;
  readonly sines: Value;
  readonly origin: Value;
}

/** The positions that a block answers for, where they are not all: the queries of its attention. */
export interface Queries {
  /** int64, batch x queries: positions within each canvas. */
  readonly positions: Value;
  /** int32, batch * queries: the same as indices into batch * length rows. */
  readonly rows: Value;
  /** For the products of so many rows. */
  readonly precision: Precision;
}

/** Tables of the rotation angles and the shapes, once for the graph. `ids` is batch x length. */
export function attentionShared(graph: GraphBuilder, shape: Architecture, ids: Value, mixing: Mixing): AttentionShared {
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
  return {
    mixing,
    canvasShape: canvasShape(graph, ids),
    rowShape: graph.constant(BigInt64Array.of(-1n, BigInt(shape.width)), [2]),
    cosines: graph.constant(cosines, [shape.context, half]),
    sines: graph.constant(sines, [shape.context, half]),
    origin: graph.constant(BigInt64Array.of(0n), [1]),
  };
}

/** The shape that makes canvases of rows, batch x length x any, for values of batch x length. */
function canvasShape(graph: GraphBuilder, like: Value): Value {
  const rest = graph.constant(BigInt64Array.of(-1n), [1]);
  return graph.node('Concat', [graph.node('Shape', [like]), rest], { axis: { int: 0 } });
}

/** Normalised rows (batch * length x width) -> the attention's contribution to the residual stream, at all rows or at the queries. */
export function attention(
  graph: GraphBuilder,
  shape: Architecture,
  shared: AttentionShared,
  precision: Precision,
  products: BlockProducts,
  rows: Value,
  queries?: Queries,
): Rows {
  const operand = precision.prepare({ value: rows }, products.query);
  const project = (from: Operand, product: Product, canvases: Value) => {
    const settled = settle(graph, precision.multiply(from, product));
    return graph.node('Reshape', [settled, canvases]);
  };
  const rotate = (x: Value, heads: number, positions: Value) =>
    graph.node('RotaryEmbedding', [x, positions, shared.cosines, shared.sines], {
      num_heads: { int: heads },
      interleaved: { int: 0 },
    });
  const asked = queries === undefined ? operand : gatherRows(graph, operand, queries.rows);
  const query = rotate(
    project(asked, products.query, queries === undefined ? shared.canvasShape : canvasShape(graph, queries.positions)),
    shape.heads,
    queries?.positions ?? shared.origin,
  );
  const key = rotate(project(operand, products.key, shared.canvasShape), shape.keyHeads, shared.origin);
  const value = project(operand, products.value, shared.canvasShape);
  const mixed = graph.node('Reshape', [shared.mixing(query, key, value), shared.rowShape]);
  const out = queries?.precision ?? precision;
  return out.multiply(out.prepare({ value: mixed }, products.attentionOut), products.attentionOut);
}

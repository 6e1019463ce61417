/**
 * Bidirectional attention with rotary positions (RoFormer, Su et al. 2021; halves rotated as in GPT-NeoX and LLaDA), over the whole
 * canvas or, in some layers of some models, over each position's neighbourhood.
 */
import type { Architecture } from './architecture.ts';
import { toHalf } from './float16.ts';
import type { KeyValueUse } from './key-values.ts';
import { linear } from './linear.ts';
import { keyPositions, nearScores } from './local.ts';
import type { Mixing } from './mixing.ts';
import { normalise } from './norm.ts';
import type { GraphBuilder, Value } from './onnx.ts';
import { floatTensor, gatherRows, type Operand, type Precision, type Rows, settle, widen } from './precision.ts';
import { blockProducts, type Product } from './products.ts';
import type { Weights } from './safetensors.ts';

/** Cosines and sines of the rotation angles, context x headWidth / 2. */
interface Rotation {
  readonly cosines: Value;
  readonly sines: Value;
}

/** Values all blocks share. */
export interface AttentionShared {
  readonly mixing: Mixing;
  /** batch, length, -1: what makes canvases of rows. */
  readonly canvasShape: Value;
  /** -1, width: what makes rows of the embeddings. */
  readonly rowShape: Value;
  /** -1, heads x headWidth: what makes rows of canvases. */
  readonly mixedShape: Value;
  /** int64: where rows stand, batch x length, or where the first one does. */
  readonly positions: Value;
  readonly keyValues: KeyValueUse;
  readonly rotation: Rotation;
  /** True where queries, keys and values are float16. */
  readonly half: boolean;
  /** What the local layers do instead. */
  readonly local?: {
    readonly rotation: Rotation;
    /** int64, batch (or 1) x keys: where keys stand. */
    readonly keys: Value;
    readonly near: Value;
  };
}

/** Where rows stand in their canvases, if not from the start, and what attention reads, if not just what is computed. */
export type Placement = Partial<Pick<AttentionShared, 'positions' | 'keyValues'>> & {
  /** int64, batch x keys: where the keys stand that attention reads; asked for where it is local. */
  keyPositions?(): Value;
};

/** The positions that a block answers for, where they are not all: the queries of its attention. */
export interface Queries {
  /** int64, batch x queries: positions within each canvas. */
  readonly positions: Value;
  /** int32, batch * queries: the same as indices into batch * length rows. */
  readonly rows: Value;
  /** For the products of so many rows. */
  readonly precision: Precision;
}

/** Tables of the rotation angles and the shapes, once for the graph. `ids` is batch x length; `half`: in float16. */
export function attentionShared(
  graph: GraphBuilder,
  shape: Architecture,
  ids: Value,
  mixing: Mixing,
  half: boolean,
  { positions, keyValues = (_, own) => own, ...placement }: Placement = {},
): AttentionShared {
  const rows = (columns: number) => graph.constant(BigInt64Array.of(-1n, BigInt(columns)), [2]);
  const { local } = shape;
  const keys = local && (placement.keyPositions?.() ?? keyPositions(graph, ids));
  return {
    mixing,
    canvasShape: canvasShape(graph, ids),
    rowShape: rows(shape.width),
    mixedShape: rows(shape.heads * shape.headWidth),
    positions: positions ?? graph.constant(BigInt64Array.of(0n), [1]),
    keyValues,
    half,
    rotation: rotationTables(graph, shape, shape.ropeTheta, half),
    ...(local &&
      keys && {
        local: {
          rotation: rotationTables(graph, shape, local.ropeTheta, half),
          keys,
          near: nearScores(graph, positions ?? keys, keys, local.reach),
        },
      }),
  };
}

function rotationTables(
  graph: GraphBuilder,
  { headWidth, context }: Architecture,
  theta: number,
  half: boolean,
): Rotation {
  const pairs = headWidth / 2;
  const cosines = new Float32Array(context * pairs);
  const sines = new Float32Array(context * pairs);
  for (let position = 0; position < context; position++) {
    for (let i = 0; i < pairs; i++) {
      const angle = position * theta ** (-i / pairs);
      cosines[position * pairs + i] = Math.cos(angle);
      sines[position * pairs + i] = Math.sin(angle);
    }
  }
  const table = (values: Float32Array) => {
    const constant = graph.constant(values, [context, pairs]);
    return half ? toHalf(graph, constant) : constant;
  };
  return { cosines: table(cosines), sines: table(sines) };
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
  weights: Weights,
  shared: AttentionShared,
  precision: Precision,
  layer: number,
  rows: Value,
  queries?: Queries,
): Rows {
  const products = blockProducts(shape, layer);
  const { queryNorm, keyNorm } = shape.tensors.block(layer);
  const local = shape.local?.layers.has(layer) ? shared.local : undefined;
  const { cosines, sines } = local?.rotation ?? shared.rotation;
  const operand = precision.prepare({ value: rows }, products.query);
  const project = (from: Operand, product: Product, canvases: Value, norm?: string) => {
    const settled = settle(graph, linear(graph, weights, precision, from, product));
    const projected = graph.node('Reshape', [settled, canvases]);
    if (norm === undefined) return projected;
    const { half } = shared;
    const wide = widen(graph, { value: projected, half });
    const normalised = normaliseHeads(graph, shape, wide, floatTensor(graph, weights, norm));
    return half ? toHalf(graph, normalised) : normalised;
  };
  const rotate = (x: Value, heads: number, positions: Value) =>
    graph.node('RotaryEmbedding', [x, positions, cosines, sines], {
      num_heads: { int: heads },
      interleaved: { int: 0 },
    });
  const asked = queries === undefined ? operand : gatherRows(graph, operand, queries.rows);
  const askedShape = queries === undefined ? shared.canvasShape : canvasShape(graph, queries.positions);
  const query = rotate(
    project(asked, products.query, askedShape, queryNorm),
    shape.heads,
    queries?.positions ?? shared.positions,
  );
  const { keys, values } = shared.keyValues(layer, {
    keys: rotate(project(operand, products.key, shared.canvasShape, keyNorm), shape.keyHeads, shared.positions),
    values: project(operand, products.value, shared.canvasShape),
  });
  const near =
    queries === undefined ? local?.near : local && nearScores(graph, queries.positions, local.keys, shape.local!.reach);
  const mixed = graph.node('Reshape', [shared.mixing(query, keys, values, near), shared.mixedShape]);
  const out = queries?.precision ?? precision;
  const prepared = out.prepare({ value: mixed, half: shared.half }, products.attentionOut);
  return linear(graph, weights, out, prepared, products.attentionOut);
}

/** Qwen3's norm of every head by itself. In a Reshape, 0 keeps an axis as it is. */
function normaliseHeads(graph: GraphBuilder, shape: Architecture, x: Value, gain: Value): Value {
  const ints = (...values: number[]) => graph.constant(BigInt64Array.from(values, BigInt), [values.length]);
  const apart = graph.node('Reshape', [x, ints(0, 0, -1, shape.headWidth)]);
  return graph.node('Reshape', [normalise(graph, shape, apart, gain), ints(0, 0, -1)]);
}

/**
 * Local attention: positions further away than `reach` to either side are masked like padding (ModernBERT's sliding window, both
 * ends inclusive).
 */
import type { GraphBuilder, Value } from './onnx.ts';
import { PADDING_SCORE } from './padding.ts';

/** Where keys stand, 1 x keys: at the positions of a canvas of batch x length `ids`, one after the other. */
export function keyPositions(graph: GraphBuilder, ids: Value): Value {
  return range(graph, graph.node('Gather', [graph.node('Shape', [ids]), scalar(graph, 1)]));
}

/**
 * Where keys stand beside a cache, batch x keys: at the positions of the cached canvas, then at those of the window.
 *
 * @param positions int64, batch x window
 * @param padding batch x 1 x 1 x keys
 */
export function cachedKeyPositions(graph: GraphBuilder, positions: Value, padding: Value): Value {
  const size = (value: Value, axis: number) =>
    graph.node('Gather', [graph.node('Shape', [value]), scalar(graph, axis)]);
  const canvas = range(graph, graph.node('Sub', [size(padding, 3), size(positions, 1)]));
  const ones = graph.constant(BigInt64Array.of(1n), [1]);
  const shape = [graph.node('Unsqueeze', [size(positions, 0), axes(graph, 0)]), ones];
  const each = graph.node('Expand', [canvas, graph.node('Concat', shape, { axis: { int: 0 } })]);
  return graph.node('Concat', [each, positions], { axis: { int: 1 } });
}

/**
 * What is added to the scores: batch (or 1) x 1 x queries x keys.
 *
 * @param queries int64, batch (or 1) x queries: their positions
 * @param keys int64, batch (or 1) x keys: theirs
 */
export function nearScores(graph: GraphBuilder, queries: Value, keys: Value, reach: number): Value {
  const from = graph.node('Unsqueeze', [queries, axes(graph, 2)]);
  const to = graph.node('Unsqueeze', [keys, axes(graph, 1)]);
  const inside = graph.node('LessOrEqual', [graph.node('Abs', [graph.node('Sub', [from, to])]), scalar(graph, reach)]);
  const none = graph.constant(Float32Array.of(0), []);
  const all = graph.constant(Float32Array.of(PADDING_SCORE), []);
  return graph.node('Unsqueeze', [graph.node('Where', [inside, none, all]), axes(graph, 1)]);
}

const scalar = (graph: GraphBuilder, value: number) => graph.constant(BigInt64Array.of(BigInt(value)), []);
const axes = (graph: GraphBuilder, axis: number) => graph.constant(BigInt64Array.of(BigInt(axis)), [1]);

/** 0 to count - 1, 1 x count. */
function range(graph: GraphBuilder, count: Value): Value {
  const numbers = graph.node('Range', [scalar(graph, 0), count, scalar(graph, 1)]);
  return graph.node('Unsqueeze', [numbers, axes(graph, 0)]);
}

/**
 * Local attention: positions further away than `reach` to either side are masked like padding (ModernBERT's sliding window, both
 * ends inclusive).
 */
import type { GraphBuilder, Value } from './onnx.ts';
import { PADDING_SCORE } from './padding.ts';

/**
 * What is added to the scores, 1 x 1 x length x length, or batch x 1 x queries x length for a block that answers for some
 * positions only.
 *
 * @param ids batch x length
 * @param queries int64, batch x queries: those positions
 */
export function nearScores(graph: GraphBuilder, ids: Value, reach: number, queries?: Value): Value {
  const scalar = (value: number) => graph.constant(BigInt64Array.of(BigInt(value)), []);
  const axes = (...values: number[]) => graph.constant(BigInt64Array.from(values, BigInt), [values.length]);
  const length = graph.node('Gather', [graph.node('Shape', [ids]), scalar(1)]);
  const keys = graph.node('Range', [scalar(0), length, scalar(1)]);
  const from = graph.node('Unsqueeze', [queries ?? graph.node('Unsqueeze', [keys, axes(0)]), axes(2)]);
  const distance = graph.node('Abs', [graph.node('Sub', [from, keys])]);
  const inside = graph.node('LessOrEqual', [distance, scalar(reach)]);
  const none = graph.constant(Float32Array.of(0), []);
  const all = graph.constant(Float32Array.of(PADDING_SCORE), []);
  return graph.node('Unsqueeze', [graph.node('Where', [inside, none, all]), axes(1)]);
}

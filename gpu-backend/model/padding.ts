/**
 * Tells attention which keys are padding.
 */
import type { GraphBuilder, Value } from './onnx.ts';

/** What is added to the scores of padding keys: e to its power is 0 in float32. */
export const PADDING_SCORE = -1e30;

/** The inputs of MultiHeadAttention from the fifth on: lengths, or nothing and scores to add. */
export type PaddingInputs = readonly [lengths: Value] | readonly [none: '', scores: Value];

/**
 * The CPU's operator takes the canvases' lengths; the GPU ones take scores to add (WebGPU has no other form), batch x 1 x length x
 * length. `idsShape` is the shape of batch x length, `lengths` int32.
 */
export function paddingInputs(graph: GraphBuilder, cpu: boolean, idsShape: Value, lengths: Value): PaddingInputs {
  if (cpu) return [lengths];
  const scalar = (value: number) => graph.constant(BigInt64Array.of(BigInt(value)), []);
  const axes = (...values: number[]) => graph.constant(BigInt64Array.from(values, BigInt), [values.length]);
  const length = graph.node('Gather', [idsShape, scalar(1)]);
  const positions = graph.node('Cast', [graph.node('Range', [scalar(0), length, scalar(1)])], { to: { int: 6 } });
  const inside = graph.node('Less', [positions, graph.node('Unsqueeze', [lengths, axes(1)])]);
  const none = graph.constant(Float32Array.of(0), []);
  const all = graph.constant(Float32Array.of(PADDING_SCORE), []);
  const scores = graph.node('Unsqueeze', [graph.node('Where', [inside, none, all]), axes(1, 2)]);
  const batch = graph.node('Gather', [idsShape, axes(0)]);
  const size = graph.node('Unsqueeze', [length, axes(0)]);
  const square = graph.node('Concat', [batch, axes(1), size, size], { axis: { int: 0 } });
  return ['', graph.node('Expand', [scores, square])];
}

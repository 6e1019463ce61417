/**
 * Products that tell how large what they read is: every operand's largest magnitude, row by row, becomes an output of the graph.
 */
import type { GraphBuilder } from './onnx.ts';
import { type Precision, settle } from './precision.ts';

/** `precision`, with an output (float32, rows) named for the reader of each operand. */
export function observedPrecision(graph: GraphBuilder, precision: Precision): Precision {
  const lastAxis = graph.constant(BigInt64Array.of(-1n), [1]);
  return {
    ...precision,
    prepare(rows, reader) {
      const magnitudes = graph.node('Abs', [settle(graph, rows)]);
      const largest = graph.node('ReduceMax', [magnitudes, lastAxis], { keepdims: { int: 0 } }, reader.name);
      graph.output(largest, 'float32', [`${reader.name}_rows`]);
      return precision.prepare(rows, reader);
    },
  };
}

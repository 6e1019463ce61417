/**
 * The middle of attention: softmax(Q K^T / sqrt(d) + padding + near) V, in the form that suits the device.
 */
import type { Architecture } from './config.ts';
import type { GraphBuilder, Value } from './onnx.ts';
import { PADDING_SCORE } from './padding.ts';

/** Exchanges positions and heads. */
export const SWAP = { perm: { ints: [0, 2, 1, 3] } };

/**
 * Queries (batch x queries x heads * d), keys and values (batch x length x keyHeads * d) -> batch x queries x heads * d.
 * `near`: what local attention adds to the scores (local.ts).
 */
export type Mixing = (query: Value, key: Value, value: Value, near?: Value) => Value;

/**
 * On the CPU as single operators: a fifth to a third faster than onnxruntime's MultiHeadAttention, which lays out everything once
 * more (measured: L = 128, width 256, 0.13-0.17 ms against 0.18 for one canvas, 0.90-1.00 against 1.30 for eight).
 */
export function plainMixing(graph: GraphBuilder, shape: Architecture, padding: Value): Mixing {
  const { headWidth } = shape;
  const ints = (...values: number[]) => graph.constant(BigInt64Array.from(values, BigInt), [values.length]);
  const together = ints(0, 0, -1); // in a Reshape, 0 keeps an axis as it is
  const byHead = ints(0, 0, shape.heads, headWidth);
  const apart = (x: Value) => graph.node('Transpose', [graph.node('Reshape', [x, byHead])], SWAP);
  return (query, key, value, near) => {
    const [k, v] = [key, value].map((x) => apart(spreadHeads(graph, shape, x)));
    const scores = graph.node('FusedMatMul', [apart(query), k], {
      transB: { int: 1 },
      alpha: { float: 1 / Math.sqrt(headWidth) },
    });
    const padded = graph.node('Add', [scores, padding]);
    const added = near === undefined ? padded : graph.node('Add', [padded, near]);
    const weights = graph.node('Softmax', [added], { axis: { int: -1 } });
    const mixed = graph.node('Transpose', [graph.node('MatMul', [weights, v])], SWAP);
    return graph.node('Reshape', [mixed, together]);
  };
}

/** On GPUs as onnxruntime's fused operator, to which padding is batch x 1 x queries x length scores (WebGPU has no other form). */
export function fusedMixing(graph: GraphBuilder, shape: Architecture, padding: Value): Mixing {
  const ones = graph.constant(BigInt64Array.of(1n, 1n), [2]);
  const second = [1n, 2n].map((end) => graph.constant(BigInt64Array.of(end), [1]));
  return (query, key, value, near) => {
    const queries = graph.node('Slice', [graph.node('Shape', [query]), ...second]);
    // In an Expand, 1 keeps an axis as it is.
    const spread = graph.node('Concat', [ones, queries, second[0]], { axis: { int: 0 } });
    const [k, v] = [key, value].map((x) => spreadHeads(graph, shape, x));
    const padded = graph.node('Expand', [padding, spread]);
    const added = near === undefined ? padded : graph.node('Add', [padded, near]);
    return graph.node('MultiHeadAttention', [query, k, v, '', '', added], {
      num_heads: { int: shape.heads },
      mask_filter_value: { float: PADDING_SCORE },
    });
  };
}

const groupOf = ({ heads, keyHeads }: Architecture) => heads / keyHeads;

/** Grouped-query attention (Ainslie et al. 2023): gives every query head its copy of the keys it shares. batch x length x columns. */
export function spreadHeads(graph: GraphBuilder, shape: Architecture, x: Value): Value {
  const group = groupOf(shape);
  if (group === 1) return x;
  const { keyHeads, headWidth } = shape;
  const ints = (...values: number[]) => graph.constant(BigInt64Array.from(values, BigInt), [values.length]);
  // In a Reshape, 0 keeps an axis as it is; in an Expand, 1 does.
  const apart = graph.node('Reshape', [x, ints(0, 0, keyHeads, 1, headWidth)]);
  const repeated = graph.node('Expand', [apart, ints(1, 1, keyHeads, group, headWidth)]);
  return graph.node('Reshape', [repeated, ints(0, 0, -1)]);
}

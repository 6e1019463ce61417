/**
 * Attention in plain operators of ONNX, for devices whose fused one cannot be relied on.
 *
 * onnxruntime's WebGPU MultiHeadAttention gives wrong sums over more than 16 keys on adapters with subgroups of 4 (1.30.0, measured
 * on SwiftShader: off by 0.08 where values are at most 0.3, exact to 1e-7 with up to 16 keys). CoreML has no such operator at all.
 */
import type { Architecture } from './config.ts';
import { type Mixing, SWAP, spreadHeads } from './mixing.ts';
import type { GraphBuilder, Value } from './onnx.ts';

/** Moves positions behind the columns of a head: batch x heads x d x length. */
const KEYS = { perm: { ints: [0, 2, 3, 1] } };

/** `padding` broadcasts to batch x heads x queries x length, in the type of the queries. */
export function portableMixing(graph: GraphBuilder, shape: Architecture, padding: Value): Mixing {
  const ints = (...values: number[]) => graph.constant(BigInt64Array.from(values, BigInt), [values.length]);
  const together = ints(0, 0, -1); // in a Reshape, 0 keeps an axis as it is
  const byHead = ints(0, 0, shape.heads, shape.headWidth);
  const root = graph.constant(Float32Array.of(shape.headWidth ** -0.5), []);
  const apart = (x: Value, order: typeof SWAP) => graph.node('Transpose', [graph.node('Reshape', [x, byHead])], order);
  return (query, key, value, near) => {
    // Scaled before the product, so that no sum of float16 overflows.
    const scale = graph.node('CastLike', [root, query]);
    const scaled = graph.node('Mul', [apart(query, SWAP), scale]);
    const scores = graph.node('MatMul', [scaled, apart(spreadHeads(graph, shape, key), KEYS)]);
    const padded = graph.node('Add', [scores, padding]);
    const added = near === undefined ? padded : graph.node('Add', [padded, near]);
    const shares = graph.node('Softmax', [added], { axis: { int: -1 } });
    const mixed = graph.node('MatMul', [shares, apart(spreadHeads(graph, shape, value), SWAP)]);
    return graph.node('Reshape', [graph.node('Transpose', [mixed], SWAP), together]);
  };
}

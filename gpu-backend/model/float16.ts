/**
 * Products and attention in float16, the form of GPUs; the residual stream, the norms, the logits' softmax stay in float32.
 *
 * The residual stream of a large model holds a few values of thousands beside many near 1 (Sun et al. 2024, "Massive
 * Activations in Large Language Models"): float16 would lose the small or overflow at the large. Rows that were normalised
 * have neither, and nearly all work and bytes lie in the products. GPUs sum float16 products in float32.
 */
import type { Architecture } from './architecture.ts';
import type { Mixing } from './mixing.ts';
import { ELEMENT_TYPES, type GraphBuilder, type Value } from './onnx.ts';
import { type Precision, settle } from './precision.ts';
import type { Product } from './products.ts';
import type { Weights } from './safetensors.ts';

/** What is added to the scores of padding keys in float16, whose largest is 65,504: e to its power is 0 all the same, and two of them add up. */
export const HALF_PADDING_SCORE = -30_000;

/** The value as float16. Of a constant or a weight onnxruntime makes it once, when it loads the graph. */
export function toHalf(graph: GraphBuilder, value: Value): Value {
  return graph.node('Cast', [value], { to: { int: ELEMENT_TYPES.float16.onnx } });
}

/** A stored tensor as float16, whatever it is stored as. */
export function halfTensor(graph: GraphBuilder, weights: Weights, name: string): Value {
  const tensor = weights.get(name);
  if (tensor === undefined) throw new Error(`the weights hold no tensor ${name}`);
  const value = graph.stored(tensor);
  return tensor.type === 'float16' ? value : toHalf(graph, value);
}

/** Products in float16 on weights as they lie in the folder (out x in, hence transB); results are `half`. */
export function float16Precision(graph: GraphBuilder, weights: Weights): Precision {
  return {
    prepare(rows) {
      const settled = settle(graph, rows);
      return { ready: true, value: rows.half === true ? settled : toHalf(graph, settled), half: true };
    },
    multiply(operand, product: Product, bias) {
      const inputs = [operand.value, halfTensor(graph, weights, product.weight)];
      if (bias !== undefined) inputs.push(toHalf(graph, bias));
      return { value: graph.node('Gemm', inputs, { transB: { int: 1 } }), half: true };
    },
  };
}

type MixingForm = (graph: GraphBuilder, shape: Architecture, padding: Value) => Mixing;

/** Attention of float16 queries, keys and values. `padding`, and what local attention adds, come in float32. */
export function halfMixing(graph: GraphBuilder, shape: Architecture, padding: Value, form: MixingForm): Mixing {
  const least = graph.constant(Float32Array.of(HALF_PADDING_SCORE), []);
  const narrow = (scores: Value) => toHalf(graph, graph.node('Max', [scores, least]));
  const mixing = form(graph, shape, narrow(padding));
  return (query, key, value, near) => mixing(query, key, value, near && narrow(near));
}

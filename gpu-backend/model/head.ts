/**
 * From hidden states to distributions, for the rows that are asked for and no others.
 */
import type { Architecture } from './config.ts';
import { linear } from './linear.ts';
import type { GraphBuilder, Value } from './onnx.ts';
import { floatTensor, type Precision, widen } from './precision.ts';
import { headProduct } from './products.ts';
import type { Weights } from './safetensors.ts';

/** Inputs of the head, R rows each: flat indices, indices of the unconditional twins, guidance, 1 / temperature. */
export interface HeadInputs {
  readonly rows: Value;
  readonly baseRows: Value;
  /** R x 1 */
  readonly guidance: Value;
}

/**
 * Gathers the asked rows of the normalised hidden states and guides them: (1 + w) h - w h_base, which for a linear head is
 * guidance of the logits (Ho & Salimans 2022).
 */
export function askedRows(graph: GraphBuilder, hidden: Value, inputs: HeadInputs): Value {
  const one = graph.constant(Float32Array.of(1), []);
  const asked = graph.node('Gather', [hidden, inputs.rows], { axis: { int: 0 } });
  const base = graph.node('Gather', [hidden, inputs.baseRows], { axis: { int: 0 } });
  const forward = graph.node('Mul', [asked, graph.node('Add', [inputs.guidance, one])]);
  return graph.node('Sub', [forward, graph.node('Mul', [base, inputs.guidance])]);
}

/** Asked rows -> raw logits, R x vocabulary. */
export function logits(
  graph: GraphBuilder,
  shape: Architecture,
  weights: Weights,
  precision: Precision,
  hidden: Value,
  name: string,
): void {
  const product = headProduct(shape);
  const result = widen(
    graph,
    linear(graph, weights, precision, precision.prepare({ value: hidden }, product), product),
  );
  graph.output(graph.node('Identity', [result], {}, name), 'float32', ['rows', shape.vocabulary]);
}

/** Asked rows -> probabilities, R x vocabulary, at their temperatures; `forbidden` tokens have probability 0. `name`: as an output. */
export function probabilities(
  graph: GraphBuilder,
  shape: Architecture,
  weights: Weights,
  precision: Precision,
  hidden: Value,
  inverseTemperature: Value,
  forbidden: readonly number[],
  name?: string,
): Value {
  const bias = new Float32Array(shape.vocabulary);
  for (const token of forbidden) bias[token] = Number.NEGATIVE_INFINITY;
  const product = headProduct(shape);
  const scores = precision.multiply(
    precision.prepare({ value: hidden, scale: inverseTemperature }, product),
    product,
    graph.constant(bias, [shape.vocabulary]),
  );
  let settled = widen(graph, scores);
  if (product.bias !== undefined) {
    // The head's own bias is tempered like the rest of a logit.
    const own = graph.node('Mul', [floatTensor(graph, weights, product.bias), inverseTemperature]);
    settled = graph.node('Add', [settled, own]);
  }
  const result = graph.node('Softmax', [settled], { axis: { int: -1 } }, name);
  if (name !== undefined) graph.output(result, 'float32', ['rows', shape.vocabulary]);
  return result;
}

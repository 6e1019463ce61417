/**
 * The matrix products of one denoising step and nothing else, as an ONNX graph: the floor that a step is compared with.
 */
import type { Architecture } from '../gpu-backend/model/config.ts';
import { type GraphBuilder, graphBuilder, type Value } from '../gpu-backend/model/onnx.ts';
import { float32Precision, int8Precision, type Operand } from '../gpu-backend/model/precision.ts';
import { blockProducts, headProduct } from '../gpu-backend/model/products.ts';
import type { Weights } from '../gpu-backend/model/safetensors.ts';

/** Inputs by name: the left-hand sides, already in the form the products take. */
export const LEFT = { narrow: 'narrow', wide: 'wide', asked: 'asked' } as const;
export const ATTENTION = { query: 'query', key: 'key', scores: 'scores', value: 'value' } as const;

/** Results must be used to be computed; reading a shape is the cheapest use. */
function useAll(graph: GraphBuilder, results: readonly Value[]): void {
  const shapes = results.map((result) => graph.node('Shape', [result]));
  graph.output(graph.node('Concat', shapes, { axis: { int: 0 } }, 'shapes'), 'int64', ['all']);
}

/**
 * All products with weights: `narrow` is positions x width, `wide` positions x hidden, `asked` asked rows x width;
 * float32, or bytes already quantised for int8.
 */
export function weightProductsGraph(shape: Architecture, weights: Weights, precision: 'float32' | 'int8'): Uint8Array {
  const graph = graphBuilder();
  const type = precision === 'int8' ? 'uint8' : 'float32';
  const operand = (name: string, rows: string, columns: number): Operand => ({
    ready: true,
    value: graph.input(name, type, [rows, columns]),
  });
  const narrow = operand(LEFT.narrow, 'positions', shape.width);
  const wide = operand(LEFT.wide, 'positions', shape.hidden);
  const asked = operand(LEFT.asked, 'rows', shape.width);
  const { multiply } = precision === 'int8' ? int8Precision(graph, weights) : float32Precision(graph, weights);
  const results: Value[] = [];
  for (let layer = 0; layer < shape.layers; layer++) {
    const { query, key, value, attentionOut, gate, up, down } = blockProducts(shape, layer);
    for (const product of [query, key, value, attentionOut, gate, up]) results.push(multiply(narrow, product).value);
    results.push(multiply(wide, down).value);
  }
  results.push(multiply(asked, headProduct(shape)).value);
  useAll(graph, results);
  return graph.encode();
}

/** Both products of every block's attention, in float32 as they are in every precision. */
export function attentionProductsGraph(shape: Architecture): Uint8Array {
  const graph = graphBuilder();
  const heads = ['batch', shape.heads] as const;
  const query = graph.input(ATTENTION.query, 'float32', [...heads, 'length', shape.headWidth]);
  const key = graph.input(ATTENTION.key, 'float32', [...heads, shape.headWidth, 'length']);
  const scores = graph.input(ATTENTION.scores, 'float32', [...heads, 'length', 'length']);
  const value = graph.input(ATTENTION.value, 'float32', [...heads, 'length', shape.headWidth]);
  const results = Array.from({ length: shape.layers }, () => [
    graph.node('MatMul', [query, key]),
    graph.node('MatMul', [scores, value]),
  ]);
  useAll(graph, results.flat());
  return graph.encode();
}

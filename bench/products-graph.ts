/**
 * The matrix products of one denoising step and nothing else, as an ONNX graph: the floor that a step is compared with.
 */
import type { Architecture } from '../gpu-backend/model/config.ts';
import { type GraphBuilder, graphBuilder, type Value } from '../gpu-backend/model/onnx.ts';
import { float32Precision, int8Precision, type Operand } from '../gpu-backend/model/precision.ts';
import { blockProducts, headProduct } from '../gpu-backend/model/products.ts';
import type { Weights } from '../gpu-backend/model/safetensors.ts';

/** Inputs by name: the left-hand sides, already in the form the products take. */
export const LEFT = { narrow: 'narrow', wide: 'wide', asked: 'asked', askedWide: 'asked_wide' } as const;
export const ATTENTION = {
  query: 'query',
  key: 'key',
  scores: 'scores',
  value: 'value',
  askedQuery: 'asked_query',
  askedScores: 'asked_scores',
} as const;

/** Results must be used to be computed; reading a shape is the cheapest use. */
function useAll(graph: GraphBuilder, results: readonly Value[]): void {
  const shapes = results.map((result) => graph.node('Shape', [result]));
  graph.output(graph.node('Concat', shapes, { axis: { int: 0 } }, 'shapes'), 'int64', ['all']);
}

/**
 * All products with weights: `narrow` is positions x width, `wide` positions x hidden, `asked` asked rows x width, `asked_wide` asked
 * rows x hidden; float32, or bytes already quantised for int8. As in the step, the last block works on the asked rows alone, keys
 * and values excepted.
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
  const askedWide = operand(LEFT.askedWide, 'rows', shape.hidden);
  const { multiply } = precision === 'int8' ? int8Precision(graph, weights) : float32Precision(graph, weights);
  const results: Value[] = [];
  for (let layer = 0; layer < shape.layers; layer++) {
    const { query, key, value, attentionOut, gate, up, down } = blockProducts(shape, layer);
    const last = layer === shape.layers - 1;
    for (const product of [key, value]) results.push(multiply(narrow, product).value);
    for (const product of [query, attentionOut, gate, up]) results.push(multiply(last ? asked : narrow, product).value);
    results.push(multiply(last ? askedWide : wide, down).value);
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
  const askedQuery = graph.input(ATTENTION.askedQuery, 'float32', [...heads, 'queries', shape.headWidth]);
  const askedScores = graph.input(ATTENTION.askedScores, 'float32', [...heads, 'queries', 'length']);
  const results = Array.from({ length: shape.layers }, (_, layer) => {
    const last = layer === shape.layers - 1;
    return [
      graph.node('MatMul', [last ? askedQuery : query, key]),
      graph.node('MatMul', [last ? askedScores : scores, value]),
    ];
  });
  useAll(graph, results.flat());
  return graph.encode();
}

/**
 * The whole model as an ONNX graph: embeddings, blocks, final norm, head. Batch, length and asked rows are dynamic.
 *
 * Every matrix is kept as rows x columns with rows = batch * length; only attention sees canvases.
 */
import { attention, attentionShared } from './attention.ts';
import type { Architecture } from './config.ts';
import { feedForward } from './feedforward.ts';
import { askedRows, logits, probabilities } from './head.ts';
import { graphBuilder, type Value } from './onnx.ts';
import { paddingInputs } from './padding.ts';
import { float32Precision, floatTensor, int8Precision, type Precision, type Rows, settle } from './precision.ts';
import { attentionNorm, blockProducts, EMBEDDING, FINAL_NORM, feedForwardNorm } from './products.ts';
import type { Weights } from './safetensors.ts';

export interface GraphOptions {
  readonly architecture: Architecture;
  /** Where the tensors lie: the folder's own (float32) or those of the quantised file (int8). */
  readonly weights: Weights;
  readonly precision: 'float32' | 'int8';
  /** Whether the graph will run on the CPU: its attention takes padding in another form. */
  readonly cpu: boolean;
  readonly output: 'probabilities' | 'logits';
  /** Tokens that must never be drawn. */
  readonly forbidden: readonly number[];
}

/** Names of the graph's inputs. */
export const INPUTS = {
  /** int32, batch x length */
  ids: 'ids',
  /** int32, batch */
  lengths: 'lengths',
  /** int32, R: flat indices into batch x length */
  rows: 'rows',
  /** int32, R */
  baseRows: 'base_rows',
  /** float32, R x 1 */
  guidance: 'guidance',
  /** float32, R x 1 */
  inverseTemperature: 'inverse_temperature',
} as const;

/** Builds the graph; its one output is named as `output` says. Returns the encoded ModelProto. */
export function buildGraph(options: GraphOptions): Uint8Array {
  const { architecture: shape, weights } = options;
  const graph = graphBuilder();
  const ids = graph.input(INPUTS.ids, 'int32', ['batch', 'length']);
  const lengths = graph.input(INPUTS.lengths, 'int32', ['batch']);
  const headInputs = {
    rows: graph.input(INPUTS.rows, 'int32', ['rows']),
    baseRows: graph.input(INPUTS.baseRows, 'int32', ['rows']),
    guidance: graph.input(INPUTS.guidance, 'float32', ['rows', 1]),
    inverseTemperature:
      options.output === 'logits' ? '' : graph.input(INPUTS.inverseTemperature, 'float32', ['rows', 1]),
  };
  const precision = precisionOf();
  const headPrecision = precisionOf();
  const idsShape = graph.node('Shape', [ids]);
  const padding = paddingInputs(graph, options.cpu, idsShape, lengths);
  const shared = attentionShared(graph, shape, idsShape, padding);
  const normAttributes = { epsilon: { float: shape.epsilon } };

  let residual = embed(ids);
  let rows = graph.node('SimplifiedLayerNormalization', [residual, gain(attentionNorm(0))], {
    ...normAttributes,
    axis: { int: -1 },
  });
  for (let layer = 0; layer < shape.layers; layer++) {
    const products = blockProducts(shape, layer);
    addAndNormalise(attention(graph, shape, shared, precision, products, rows), feedForwardNorm(layer));
    const last = layer === shape.layers - 1;
    addAndNormalise(feedForward(graph, precision, products, rows), last ? FINAL_NORM : attentionNorm(layer + 1));
  }
  const asked = askedRows(graph, rows, headInputs);
  if (options.output === 'logits') logits(graph, shape, headPrecision, asked, 'logits');
  else {
    const { inverseTemperature } = headInputs;
    probabilities(graph, shape, headPrecision, asked, inverseTemperature, options.forbidden, 'probabilities');
  }
  return graph.encode();

  function precisionOf(): Precision {
    return options.precision === 'int8' ? int8Precision(graph, weights) : float32Precision(graph, weights);
  }

  function gain(name: string): Value {
    return floatTensor(graph, weights, name);
  }

  /** Gathers first and casts after: the table itself stays as it is stored. */
  function embed(tokens: Value): Value {
    const tensor = weights.get(EMBEDDING);
    if (tensor === undefined) throw new Error(`the weights hold no tensor ${EMBEDDING}`);
    const gathered = graph.node('Gather', [graph.stored(tensor), tokens], { axis: { int: 0 } });
    const flat = graph.node('Reshape', [gathered, shared.rowShape]);
    return tensor.type === 'float32' ? flat : graph.node('Cast', [flat], { to: { int: 1 } });
  }

  /** residual += contribution; rows = RMSNorm(residual), in one operator. */
  function addAndNormalise(contribution: Rows, norm: string): void {
    const sum = graph.nodes(
      'SkipSimplifiedLayerNormalization',
      [residual, settle(graph, contribution), gain(norm)],
      4,
      normAttributes,
      [1, 2],
    );
    rows = sum[0];
    residual = sum[3];
  }
}

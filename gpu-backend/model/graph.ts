/**
 * The whole model as an ONNX graph: embeddings, blocks, final norm, head. Batch, length and asked rows are dynamic.
 *
 * Every matrix is kept as rows x columns with rows = batch * length; only attention sees canvases.
 */
import { attention, attentionShared, type Queries } from './attention.ts';
import type { Architecture } from './config.ts';
import { feedForward } from './feedforward.ts';
import { askedRows, logits, probabilities } from './head.ts';
import { fusedMixing, plainMixing } from './mixing.ts';
import { observedPrecision } from './observed.ts';
import { graphBuilder, type Value } from './onnx.ts';
import { float32Precision, floatTensor, int8Precision, type Precision, type Rows, settle } from './precision.ts';
import { attentionNorm, blockProducts, EMBEDDING, FINAL_NORM, feedForwardNorm } from './products.ts';
import type { Weights } from './safetensors.ts';

export interface GraphOptions {
  readonly architecture: Architecture;
  /** Where the tensors lie: the folder's own (float32) or those of the quantised file (int8). */
  readonly weights: Weights;
  readonly precision: 'float32' | 'int8';
  /** Whether the graph will run on the CPU: its attention has another form. */
  readonly cpu: boolean;
  /** `ranges`: the largest magnitudes of what each product of the blocks reads (observed.ts), no head. */
  readonly output: 'probabilities' | 'logits' | 'ranges';
  /** Tokens that must never be drawn. */
  readonly forbidden: readonly number[];
}

/** Names of the graph's inputs. */
export const INPUTS = {
  /** int32, batch x length */
  ids: 'ids',
  /** float32, batch x 1 x 1 x length: what is added to the scores of keys (padding.ts) */
  padding: 'padding',
  /** int64, batch x queries: the positions of each canvas for which the last block answers, the asked ones among them */
  queries: 'queries',
  /** int32, batch * queries: the same as indices into batch * length */
  queryRows: 'query_rows',
  /** int32, R: flat indices into batch x queries */
  rows: 'rows',
  /** int32, R */
  baseRows: 'base_rows',
  /** float32, R x 1 */
  guidance: 'guidance',
  /** float32, R x 1 */
  inverseTemperature: 'inverse_temperature',
} as const;

/** Builds the graph; its output is named as `output` says. Returns the encoded ModelProto. */
export function buildGraph(options: GraphOptions): Uint8Array {
  const { architecture: shape, weights } = options;
  const graph = graphBuilder();
  const ids = graph.input(INPUTS.ids, 'int32', ['batch', 'length']);
  const padding = graph.input(INPUTS.padding, 'float32', ['batch', 1, 1, 'length']);
  const precision = precisionOf();
  const mixing = (options.cpu ? plainMixing : fusedMixing)(graph, shape, padding);
  const shared = attentionShared(graph, shape, ids, mixing);
  // The last block is asked for some positions only: what stands at the others is but keys and values to it.
  const queries: Queries = {
    positions: graph.input(INPUTS.queries, 'int64', ['batch', 'queries']),
    rows: graph.input(INPUTS.queryRows, 'int32', ['query_rows']),
    precision: precisionOf(),
  };
  const normAttributes = { epsilon: { float: shape.epsilon } };

  let residual = embed(ids);
  let rows = graph.node('SimplifiedLayerNormalization', [residual, gain(attentionNorm(0))], {
    ...normAttributes,
    axis: { int: -1 },
  });
  for (let layer = 0; layer < shape.layers; layer++) {
    const products = blockProducts(shape, layer);
    const last = layer === shape.layers - 1;
    const asked = last ? queries : undefined;
    const mixed = attention(graph, shape, shared, precision, products, rows, asked);
    if (asked !== undefined) residual = graph.node('Gather', [residual, asked.rows], { axis: { int: 0 } });
    addAndNormalise(mixed, feedForwardNorm(layer));
    const fed = feedForward(graph, asked?.precision ?? precision, products, rows);
    addAndNormalise(fed, last ? FINAL_NORM : attentionNorm(layer + 1));
  }
  if (options.output !== 'ranges') head(options.output);
  return graph.encode();

  function head(output: 'probabilities' | 'logits'): void {
    const asked = askedRows(graph, rows, {
      rows: graph.input(INPUTS.rows, 'int32', ['rows']),
      baseRows: graph.input(INPUTS.baseRows, 'int32', ['rows']),
      guidance: graph.input(INPUTS.guidance, 'float32', ['rows', 1]),
    });
    if (output === 'logits') {
      logits(graph, shape, precisionOf(), asked, output);
      return;
    }
    const inverseTemperature = graph.input(INPUTS.inverseTemperature, 'float32', ['rows', 1]);
    probabilities(graph, shape, precisionOf(), asked, inverseTemperature, options.forbidden, output);
  }

  function precisionOf(): Precision {
    const chosen = options.precision === 'int8' ? int8Precision(graph, weights) : float32Precision(graph, weights);
    return options.output === 'ranges' ? observedPrecision(graph, chosen) : chosen;
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

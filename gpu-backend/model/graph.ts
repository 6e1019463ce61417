/**
 * The whole model as an ONNX graph: embeddings, blocks, final norm, head. Batch, length and asked rows are dynamic.
 *
 * Every matrix is kept as rows x columns with rows = batch * length; only attention sees canvases.
 */
import { attention, attentionShared, type Placement, type Queries } from './attention.ts';
import type { Architecture } from './config.ts';
import type { PrecisionName } from './device.ts';
import { activate, feedForward } from './feedforward.ts';
import { float16Precision, halfMixing, halfTensor } from './float16.ts';
import { int4Precision } from './four-bits.ts';
import { askedRows, logits, probabilities } from './head.ts';
import { cachedKeyValues, keptKeyValues } from './key-values.ts';
import { linear } from './linear.ts';
import { cachedKeyPositions } from './local.ts';
import { fusedMixing, type Mixing, plainMixing } from './mixing.ts';
import { addAndNormalise, normalise } from './norm.ts';
import { observedPrecision } from './observed.ts';
import { graphBuilder, type Value } from './onnx.ts';
import { portableMixing } from './plain-attention.ts';
import { float32Precision, floatTensor, int8Precision, type Precision, type Rows, widen } from './precision.ts';
import { blockProducts, predictionProduct } from './products.ts';
import { reduce } from './reduction.ts';
import type { Weights } from './safetensors.ts';

export interface GraphOptions {
  readonly architecture: Architecture;
  /** Where the tensors lie: the folder's own (float32) or those of a quantised file. */
  readonly weights: Weights;
  readonly precision: PrecisionName;
  /** Whether the graph will run on the CPU: its attention has another form. */
  readonly cpu: boolean;
  /** Elsewhere: whether attention is in plain operators (plain-attention.ts) instead of onnxruntime's fused one. */
  readonly portableAttention?: boolean;
  /**
   * `ranges`: the largest magnitudes of what each product of the blocks reads (observed.ts), no head. `reduced`: probabilities
   * summed over blocks of tokens, and the likeliest (reduction.ts).
   */
  readonly output: 'probabilities' | 'logits' | 'reduced' | 'ranges';
  /** Tokens that must never be drawn. */
  readonly forbidden: readonly number[];
  /** `kept`: keys and values of all blocks are outputs too. `read`: `ids` are windows of canvases whose other keys and values come in. */
  readonly caches?: 'kept' | 'read';
}

const PRECISIONS = {
  float32: float32Precision,
  float16: float16Precision,
  int8: int8Precision,
  int4: int4Precision,
};

/** Names of the graph's inputs. */
export const INPUTS = {
  /** int32, batch x length */
  ids: 'ids',
  /** int64, batch x length, where `ids` are windows: their positions in their canvases */
  positions: 'positions',
  /** float32, batch x 1 x 1 x keys: what is added to the scores of keys (padding.ts) */
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
  const half = options.precision === 'float16';
  const ids = graph.input(INPUTS.ids, 'int32', ['batch', 'length']);
  const padding = graph.input(INPUTS.padding, 'float32', ['batch', 1, 1, 'keys']);
  const precision = precisionOf();
  const shared = attentionShared(graph, shape, ids, mixingOf(), half, placement());
  // The last block is asked for some positions only: what stands at the others is but keys and values to it.
  const queries: Queries = {
    positions: graph.input(INPUTS.queries, 'int64', ['batch', 'queries']),
    rows: graph.input(INPUTS.queryRows, 'int32', ['query_rows']),
    precision: precisionOf(),
  };
  const { tensors } = shape;

  let residual = embed(ids);
  // A block without a norm before its attention (ModernBERT's first) reads the stream as it is.
  const firstNorm = tensors.block(0).attentionNorm;
  let rows = firstNorm === undefined ? residual : normalise(graph, shape, residual, gain(firstNorm));
  for (let layer = 0; layer < shape.layers; layer++) {
    const products = blockProducts(shape, layer);
    const last = layer === shape.layers - 1;
    const asked = last ? queries : undefined;
    const mixed = attention(graph, shape, weights, shared, precision, layer, rows, asked);
    if (asked !== undefined) residual = graph.node('Gather', [residual, asked.rows], { axis: { int: 0 } });
    add(mixed, tensors.block(layer).feedForwardNorm);
    const fed = feedForward(graph, shape, asked?.precision ?? precision, products, rows);
    add(fed, last ? tensors.finalNorm : tensors.block(layer + 1).attentionNorm);
  }
  if (options.output !== 'ranges') head(options.output);
  return graph.encode();

  function head(output: 'probabilities' | 'logits' | 'reduced'): void {
    const asked = askedRows(graph, predict(rows), {
      rows: graph.input(INPUTS.rows, 'int32', ['rows']),
      baseRows: graph.input(INPUTS.baseRows, 'int32', ['rows']),
      guidance: graph.input(INPUTS.guidance, 'float32', ['rows', 1]),
    });
    if (output === 'logits') {
      logits(graph, shape, weights, precisionOf(), asked, output);
      return;
    }
    const inverseTemperature = graph.input(INPUTS.inverseTemperature, 'float32', ['rows', 1]);
    const { forbidden } = options;
    const name = output === 'reduced' ? undefined : output;
    const shares = probabilities(graph, shape, weights, precisionOf(), asked, inverseTemperature, forbidden, name);
    if (output === 'reduced') reduce(graph, shares);
  }

  function precisionOf(): Precision {
    const chosen = PRECISIONS[options.precision](graph, weights);
    return options.output === 'ranges' ? observedPrecision(graph, chosen) : chosen;
  }

  function mixingOf(): Mixing {
    if (options.cpu) return plainMixing(graph, shape, padding);
    const form = options.portableAttention === true ? portableMixing : fusedMixing;
    return half ? halfMixing(graph, shape, padding, form) : form(graph, shape, padding);
  }

  /** Where the positions stand in their canvases, and which keys and values attention reads. */
  function placement(): Placement {
    if (options.caches === 'kept') return { keyValues: keptKeyValues(graph, shape) };
    if (options.caches === undefined) return {};
    const positions = graph.input(INPUTS.positions, 'int64', ['batch', 'length']);
    return {
      positions,
      keyValues: cachedKeyValues(graph, shape),
      keyPositions: () => cachedKeyPositions(graph, positions, padding),
    };
  }

  function gain(name: string): Value {
    return floatTensor(graph, weights, name);
  }

  /** The CPU gathers first and casts after, so that the table stays as it is stored; a GPU may not know the type it is stored in. */
  function embed(tokens: Value): Value {
    const tensor = weights.get(tensors.embedding);
    if (tensor === undefined) throw new Error(`the weights hold no tensor ${tensors.embedding}`);
    const { cpu } = options;
    const table = cpu
      ? graph.stored(tensor)
      : half
        ? halfTensor(graph, weights, tensors.embedding)
        : gain(tensors.embedding);
    const gathered = graph.node('Gather', [table, tokens], { axis: { int: 0 } });
    const flat = graph.node('Reshape', [gathered, shared.rowShape]);
    const isWide = cpu ? tensor.type === 'float32' : !half;
    const wide = isWide ? flat : graph.node('Cast', [flat], { to: { int: 1 } });
    return tensors.embeddingNorm === undefined ? wide : normalise(graph, shape, wide, gain(tensors.embeddingNorm));
  }

  /** residual += contribution; rows = norm(residual). */
  function add(contribution: Rows, norm: string | undefined): void {
    const settled = widen(graph, contribution);
    if (norm === undefined) {
      residual = graph.node('Add', [residual, settled]);
      rows = residual;
    } else ({ normalised: rows, residual } = addAndNormalise(graph, shape, residual, settled, gain(norm)));
  }

  /**
   * The prediction head of BERT's kind. It is not linear, so it comes before guidance mixes hidden states.
   */
  function predict(hidden: Value): Value {
    const product = predictionProduct(shape);
    if (product === undefined) return hidden;
    const operand = queries.precision.prepare({ value: hidden }, product);
    const dense = widen(graph, linear(graph, weights, queries.precision, operand, product));
    return normalise(graph, shape, activate(graph, shape.activation, dense), gain(tensors.prediction!.norm));
  }
}

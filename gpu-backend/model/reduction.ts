/**
 * Distributions reduced on the device to what a host can draw from: sums, peaks and entropies of blocks of tokens, and the likeliest.
 *
 * With a vocabulary of 126,464 a row of probabilities is half a megabyte; a batch of 1,000 rows would send 500 MB across the bus at every
 * step. Its blocks and likeliest tokens are a fortieth of that. Which tokens make a block is the caller's to say, by tables:
 * lattice/class-table.ts orders them by class.
 */
import { Tensor } from 'onnxruntime-node';
import type { GraphBuilder, Value } from './onnx.ts';

/**
 * Tokens that are sent with their own probability: the likeliest of the blocks whose peaks are the highest. Every token as likely as the
 * last of these peaks is among those blocks. Sorting the peaks and then some blocks costs a small part of sorting a row: for 126,464 tokens
 * 278 ms a row on WebGPU in software, where TopK sorts all it is given.
 */
export const TOP_TOKENS = 128;
export const SEARCHED_BLOCKS = 32;

/** Sums that a caller wants over the tokens of each row. */
export interface Reduction {
  /** Tokens of a block, at least TOP_TOKENS / SEARCHED_BLOCKS. */
  readonly block: number;
  /** Orders of tokens, whole blocks each; a forbidden token stands where there is none. */
  readonly tables: readonly Int32Array[];
  /** The table of each row, by number. */
  readonly tableOfRow: Int32Array;
  /** Tokens whose probability is wanted at every row; at least one. */
  readonly watched: Int32Array;
  /** Whether sums of p ln p are wanted. */
  readonly entropies: boolean;
  /** What becomes of some tokens' probabilities before all this; they stay what they are where absent. */
  readonly weighing?: Weighing;
}

/**
 * Probabilities of some tokens of each text are multiplied with factors of at most 1, and the end of text with what that leaves of all text:
 * weights that no longer add up to 1. Where nothing would be left, the row stays what it is.
 */
export interface Weighing {
  /** The text of each row, by number. */
  readonly textOfRow: Int32Array;
  /** Room for tokens of one text. */
  readonly places: number;
  /** Factors by token, a map for each text, at most `places` of them, none for the end of text. */
  readonly factors: readonly ReadonlyMap<number, number>[];
  readonly eos: number;
}

/** The answer: R rows each. */
export interface Reduced {
  /** Blocks of the longest table. */
  readonly blocks: number;
  /** R x blocks */
  readonly sums: Float32Array;
  /** R x blocks: greatest probability of the block, and where in the block it stands (the first of equals) */
  readonly peaks: Float32Array;
  readonly peakPlaces: Int32Array;
  /** R x blocks: sum of p ln p */
  readonly entropies?: Float32Array;
  /** R x SEARCHED_BLOCKS: blocks by their peaks, descending; blocks behind the end of a row's table hold nothing */
  readonly topBlocks: Int32Array;
  /** R x TOP_TOKENS: the likeliest of those blocks, descending, each by its place in the blocks one behind the other */
  readonly topPlaces: Int32Array;
  readonly topShares: Float32Array;
  /** R x watched */
  readonly watchedShares: Float32Array;
  /** Bytes that crossed from the host to the device and back for this; places and tokens as the 64-bit integers that WebGPU sends. */
  readonly bytes: number;
}

const INPUT = {
  tables: 'tables',
  tableOfRow: 'table_of_row',
  watched: 'watched',
  shape: 'block_shape',
  weighed: 'weighed_tokens',
  factors: 'weighed_factors',
  textOfRow: 'text_of_row',
} as const;
const OUTPUT = {
  sums: 'sums',
  peaks: 'peaks',
  peakPlaces: 'peak_places',
  entropies: 'entropies',
  topBlocks: 'top_blocks',
  topPlaces: 'top_places',
  topShares: 'top_shares',
  watchedShares: 'watched_shares',
} as const;

/** The least float32 whose logarithm is a number: p ln p of anything smaller is 0 all the same. */
const LEAST = 1e-37;
const INT32 = 6;

/** The weights of a Weighing. The last token of each text is its end. */
function weighed(graph: GraphBuilder, probabilities: Value): Value {
  const ints = (value: bigint) => graph.constant(BigInt64Array.of(value), [1]);
  const floats = (value: number) => graph.constant(Float32Array.of(value), []);
  const textOfRow = graph.input(INPUT.textOfRow, 'int32', ['rows']);
  const ofRow = (name: string, type: 'int32' | 'float32') =>
    graph.node('Gather', [graph.input(name, type, ['texts', 'weighed']), textOfRow], { axis: { int: 0 } });
  const tokens = ofRow(INPUT.weighed, 'int32');
  const own = graph.node('GatherElements', [probabilities, tokens], { axis: { int: 1 } });
  const light = graph.node('Mul', [own, ofRow(INPUT.factors, 'float32')]);
  const lost = graph.node('ReduceSum', [graph.node('Sub', [own, light]), ints(-1n)], { keepdims: { int: 1 } });
  const part = (value: Value, from: bigint, to: bigint) => graph.node('Slice', [value, ints(from), ints(to), ints(1n)]);
  const end = part(own, -1n, BigInt(2 ** 31));
  const text = graph.node('Sub', [floats(1), end]);
  const rest = graph.node('Sub', [text, lost]);
  const left = graph.node('Mul', [end, graph.node('Div', [rest, text])]);
  const weights = graph.node('Concat', [part(light, 0n, -1n), left], { axis: { int: 1 } });
  const updates = graph.node('Where', [graph.node('Greater', [rest, floats(0)]), weights, own]);
  return graph.node('ScatterElements', [probabilities, tokens, updates], { axis: { int: 1 } });
}

/** Adds the inputs and outputs of a reduction to a graph. `given` are probabilities, R x vocabulary. */
export function reduce(graph: GraphBuilder, given: Value): void {
  const lastAxis = graph.constant(BigInt64Array.of(-1n), [1]);
  const probabilities = weighed(graph, given);
  const int32 = (value: Value, name: string) => graph.node('Cast', [value], { to: { int: INT32 } }, name);
  const watched = graph.input(INPUT.watched, 'int32', ['watched']);
  const named = graph.node('Gather', [probabilities, watched], { axis: { int: 1 } }, OUTPUT.watchedShares);
  graph.output(named, 'float32', ['rows', 'watched']);

  const tables = graph.input(INPUT.tables, 'int32', ['tables', 'places']);
  const tableOfRow = graph.input(INPUT.tableOfRow, 'int32', ['rows']);
  const order = graph.node('Gather', [tables, tableOfRow], { axis: { int: 0 } });
  const ordered = graph.node('GatherElements', [probabilities, order], { axis: { int: 1 } });
  const shape = graph.input(INPUT.shape, 'int64', [3]);
  const blocks = graph.node('Reshape', [ordered, shape]);
  const dropped = { keepdims: { int: 0 } };
  graph.output(graph.node('ReduceSum', [blocks, lastAxis], dropped, OUTPUT.sums), 'float32', ['rows', 'blocks']);
  const peaks = graph.node('ReduceMax', [blocks, lastAxis], dropped, OUTPUT.peaks);
  graph.output(peaks, 'float32', ['rows', 'blocks']);
  const highest = graph.node('ArgMax', [blocks], { axis: { int: -1 }, ...dropped });
  graph.output(int32(highest, OUTPUT.peakPlaces), 'int32', ['rows', 'blocks']);
  const count = (k: number) => graph.constant(BigInt64Array.of(BigInt(k)), [1]);
  const [, leading] = graph.nodes('TopK', [peaks, count(SEARCHED_BLOCKS)], 2);
  const topBlocks = int32(leading, OUTPUT.topBlocks);
  graph.output(topBlocks, 'int32', ['rows', SEARCHED_BLOCKS]);
  const searchedShape = graph.node(
    'Concat',
    [
      graph.node('Slice', [shape, count(0), count(1)]),
      count(SEARCHED_BLOCKS),
      graph.node('Slice', [shape, count(2), count(3)]),
    ],
    { axis: { int: 0 } },
  );
  const whole = graph.node('Expand', [graph.node('Unsqueeze', [topBlocks, lastAxis]), searchedShape]);
  const searched = graph.node('GatherElements', [blocks, whole], { axis: { int: 1 } });
  const flat = graph.node('Reshape', [searched, graph.constant(BigInt64Array.of(0n, -1n), [2])]);
  const [shares, places] = graph.nodes('TopK', [flat, count(TOP_TOKENS)], 2);
  graph.output(graph.node('Identity', [shares], {}, OUTPUT.topShares), 'float32', ['rows', TOP_TOKENS]);
  graph.output(int32(places, OUTPUT.topPlaces), 'int32', ['rows', TOP_TOKENS]);

  const least = graph.constant(Float32Array.of(LEAST), []);
  const logarithms = graph.node('Log', [graph.node('Max', [blocks, least])]);
  const terms = graph.node('Mul', [blocks, logarithms]);
  graph.output(graph.node('ReduceSum', [terms, lastAxis], dropped, OUTPUT.entropies), 'float32', ['rows', 'blocks']);
}

/** The graph's inputs for a reduction; `filler`, whose probability is always 0, stands behind the end of a table. */
export function reductionFeeds(
  { block, tables, tableOfRow, watched, weighing }: Reduction,
  filler: number,
): Record<string, Tensor> {
  const places = tables.reduce((most, table) => Math.max(most, table.length), SEARCHED_BLOCKS * block);
  const all = new Int32Array(tables.length * places).fill(filler);
  tables.forEach((table, i) => {
    all.set(table, i * places);
  });
  const shape = BigInt64Array.of(BigInt(tableOfRow.length), BigInt(places / block), BigInt(block));
  return {
    [INPUT.tables]: new Tensor('int32', all, [tables.length, places]),
    [INPUT.tableOfRow]: new Tensor('int32', tableOfRow, [tableOfRow.length]),
    [INPUT.watched]: new Tensor('int32', watched, [watched.length]),
    [INPUT.shape]: new Tensor('int64', shape, [3]),
    ...weighingFeeds(weighing ?? nothingWeighed(tableOfRow.length, filler), filler),
  };
}

/** One text, no token. */
function nothingWeighed(rows: number, filler: number): Weighing {
  return { textOfRow: new Int32Array(rows), places: 1, factors: [new Map()], eos: filler };
}

function weighingFeeds({ textOfRow, places, factors, eos }: Weighing, filler: number): Record<string, Tensor> {
  const width = places + 1;
  const tokens = new Int32Array(factors.length * width).fill(filler);
  const values = new Float32Array(factors.length * width).fill(1);
  factors.forEach((ofText, text) => {
    if (ofText.size > places) throw new RangeError(`factors has ${ofText.size} tokens for ${places} places`);
    let at = text * width;
    for (const [token, factor] of ofText) {
      tokens[at] = token;
      values[at++] = factor;
    }
    tokens[(text + 1) * width - 1] = eos;
  });
  return {
    [INPUT.weighed]: new Tensor('int32', tokens, [factors.length, width]),
    [INPUT.factors]: new Tensor('float32', values, [factors.length, width]),
    [INPUT.textOfRow]: new Tensor('int32', textOfRow, [textOfRow.length]),
  };
}

/** The outputs to fetch: what is not asked for does not cross the bus. */
export function reductionFetches({ entropies }: Reduction): string[] {
  return Object.values(OUTPUT).filter((name) => entropies || name !== OUTPUT.entropies);
}

/** The graph's outputs as an answer; `sent` are the inputs. */
export function reducedOf(sent: Readonly<Record<string, Tensor>>, outputs: Readonly<Record<string, Tensor>>): Reduced {
  const floats = (name: string): Float32Array => {
    const { data } = outputs[name];
    if (!(data instanceof Float32Array)) throw new Error(`the graph gave no float32 ${name}`);
    return data;
  };
  const ints = (name: string): Int32Array => {
    const { data } = outputs[name];
    if (!(data instanceof Int32Array)) throw new Error(`the graph gave no int32 ${name}`);
    return data;
  };
  const bytesOf = (tensors: Readonly<Record<string, Tensor>>) =>
    Object.values(tensors).reduce((sum, { data }) => sum + (ArrayBuffer.isView(data) ? data.byteLength : 0), 0);
  return {
    blocks: outputs[OUTPUT.sums].dims[1],
    sums: floats(OUTPUT.sums),
    peaks: floats(OUTPUT.peaks),
    peakPlaces: ints(OUTPUT.peakPlaces),
    ...(OUTPUT.entropies in outputs ? { entropies: floats(OUTPUT.entropies) } : {}),
    topBlocks: ints(OUTPUT.topBlocks),
    topPlaces: ints(OUTPUT.topPlaces),
    topShares: floats(OUTPUT.topShares),
    watchedShares: floats(OUTPUT.watchedShares),
    bytes:
      bytesOf(sent) +
      bytesOf(outputs) +
      bytesOf({ a: outputs[OUTPUT.peakPlaces], b: outputs[OUTPUT.topBlocks], c: outputs[OUTPUT.topPlaces] }),
  };
}

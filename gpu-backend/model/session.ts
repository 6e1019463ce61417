/**
 * A loaded model that answers: which token could stand at these rows of these canvases?
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { CanvasCache } from './canvas-cache.ts';
import { readArchitecture } from './config.ts';
import { checkDevice, type Device, hasPortableAttention, onDevice, type PrecisionName } from './device.ts';
import { checkInput, type EvaluationInput } from './evaluation.ts';
import { feedsOf } from './feeds.ts';
import { buildGraph, type GraphOptions } from './graph.ts';
import { keyValueNames } from './key-values.ts';
import type { ReportLoad } from './loading.ts';
import { type Reduced, type Reduction, reducedOf, reductionFeeds, reductionFetches, TOP_TOKENS } from './reduction.ts';
import { runtimeOptions } from './runtime.ts';
import { openWeights } from './source.ts';

/** Answers with sums and likeliest tokens instead of whole rows. */
export interface Reducer {
  /** A token whose probability is always 0: stands in tables where there is none. */
  readonly filler: number;
  reduce(input: EvaluationInput, reduction: Reduction): Promise<Reduced>;
}

export interface ModelSession {
  readonly vocabulary: number;
  /** Probabilities, Float32Array R x vocabulary; forbidden tokens (the mask among them) have probability 0. */
  evaluate(input: EvaluationInput): Promise<Float32Array>;
  /** Whether it can keep keys and values, and evaluate windows of canvases. */
  readonly keepsCaches: boolean;
  /** The same, with the keys and values of each canvas. @throws Error where the session keeps none */
  evaluateKeeping(
    input: EvaluationInput,
  ): Promise<{ readonly probabilities: Float32Array; readonly caches: readonly CanvasCache[] }>;
  /** Raw logits, Float32Array R x vocabulary, guided but neither tempered nor masked. */
  logits(input: EvaluationInput): Promise<Float32Array>;
  /** The same reduced on the device, where it keeps its rows: the vocabulary is too large to send them. */
  readonly reducer?: Reducer;
  release(): Promise<void>;
}

export interface SessionOptions {
  readonly device: Device;
  readonly precision: PrecisionName;
  /** Threads of one evaluation on the CPU. */
  readonly threads: number;
  /** Where derived files (int8 weights, checksums) are kept. */
  readonly cacheFolder: string;
  /** Tokens that must never be drawn, beyond the mask. */
  readonly forbidden?: readonly number[];
  /** Whether rows stay on the device; by default where it is no CPU and the vocabulary has REDUCED_FROM tokens or more. */
  readonly reduced?: boolean;
  /** Told how far the loading is. */
  readonly report?: ReportLoad;
}

/** From so many tokens on a row of probabilities is larger than its summary by more than ten times. */
export const REDUCED_FROM = 30_000;

/** The graphs of a session, each opened when it is first needed. */
const GRAPHS = {
  probabilities: { output: 'probabilities' },
  logits: { output: 'logits' },
  reduced: { output: 'reduced' },
  window: { output: 'probabilities', caches: 'read' },
} as const satisfies Record<string, Pick<GraphOptions, 'output' | 'caches'>>;
type GraphName = keyof typeof GRAPHS;

interface Evaluation {
  /** R x vocabulary */
  readonly rows: Float32Array;
  readonly caches: readonly CanvasCache[];
}

const NO_CACHES = 'this session keeps no keys and values: they are kept on the CPU';

/** The keys and values of each canvas of a batch: parts of the graph's outputs, not copied. */
function cachesOf(
  results: InferenceSession.ReturnType,
  { batch, length }: EvaluationInput,
  layers: number,
): CanvasCache[] {
  const part = (name: string, canvas: number) => {
    const { data } = results[name];
    if (!(data instanceof Float32Array)) throw new Error(`the graph gave no float32 ${name}`);
    const size = data.length / batch;
    return data.subarray(canvas * size, (canvas + 1) * size);
  };
  return Array.from({ length: batch }, (_, canvas) => ({
    length,
    blocks: Array.from({ length: layers }, (_, layer) => {
      const { keys, values } = keyValueNames(layer);
      return { keys: part(keys, canvas), values: part(values, canvas) };
    }),
  }));
}

/** The smallest evaluation there is, and a reduction of it. */
const ONE_POSITION: EvaluationInput = {
  batch: 1,
  length: 1,
  ids: Int32Array.of(0),
  lengths: Int32Array.of(1),
  rows: Int32Array.of(0),
};
const ONE_BLOCK: Reduction = {
  block: TOP_TOKENS,
  tables: [new Int32Array(TOP_TOKENS)],
  tableOfRow: Int32Array.of(0),
  watched: Int32Array.of(0),
  entropies: false,
};

/**
 * Loads the model in `folder` (config.json, *.safetensors). With int8 or int4, quantises it on first use.
 * @throws Error where the architecture is not supported or tensors are missing or misshapen.
 */
export async function openSession(folder: string, options: SessionOptions): Promise<ModelSession> {
  const { device } = options;
  const cpu = device === 'cpu';
  const architecture = await readArchitecture(folder);
  const source = await openWeights(folder, architecture, options.precision, options.cacheFolder, options.report);
  const { precision } = source;
  checkDevice(device, precision);
  const keepsCaches = cpu;
  const forbidden = [...new Set([architecture.maskToken ?? [], options.forbidden ?? []].flat())];
  const open = (name: GraphName) => {
    // Keys and values that nobody fetches cost nothing (measured: -2% to 2% of a step).
    const kept = keepsCaches && name === 'probabilities' ? ({ caches: 'kept' } as const) : {};
    const form = {
      precision,
      cpu,
      portableAttention: hasPortableAttention(device),
      forbidden,
      ...kept,
      ...GRAPHS[name],
    };
    const graph = buildGraph({ architecture, weights: source.weights, ...form });
    return onDevice(device, () => InferenceSession.create(graph, runtimeOptions(options, source.folder)));
  };
  const { vocabulary } = architecture;
  const filler: number | undefined = forbidden[0];
  const reduced = filler !== undefined && (options.reduced ?? (!cpu && vocabulary >= REDUCED_FROM));
  options.report?.('opening', 0, 1);
  const usual = reduced ? 'reduced' : 'probabilities';
  const sessions: Partial<Record<GraphName, Promise<InferenceSession>>> = { [usual]: open(usual) };
  await sessions[usual];
  options.report?.('opening', 1, 1);
  let released = false;
  /** The end of the queue: one evaluation at a time. */
  let last: Promise<unknown> = Promise.resolve();

  const enqueue = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };

  const run = (name: GraphName, input: EvaluationInput, keep = false): Promise<Evaluation> => {
    checkInput(input, architecture);
    if (input.windows !== undefined && name !== 'window') throw new RangeError(`windows have no ${name}`);
    return enqueue(async () => {
      if (released) throw new Error('the model session has been released');
      sessions[name] ??= open(name);
      const session = await sessions[name];
      const { output } = GRAPHS[name];
      const { into, rows } = input;
      const target = into && new Tensor('float32', into, [rows.length, architecture.vocabulary]);
      const wanted = keep ? session.outputNames : [output];
      const fetches = wanted.map((value) => [value, value === output ? (target ?? null) : null]);
      const results = await onDevice(device, () =>
        session.run(feedsOf(input, output === 'probabilities'), Object.fromEntries(fetches)),
      );
      const { data } = results[output];
      if (!(data instanceof Float32Array)) throw new Error(`the graph gave no float32 ${output}`);
      const caches = keep ? cachesOf(results, input, architecture.layers) : [];
      return { rows: into ?? data, caches }; // the same memory
    });
  };

  const reduce = (input: EvaluationInput, reduction: Reduction): Promise<Reduced> => {
    checkInput(input, architecture);
    if (input.rows.length === 0) throw new RangeError('rows has no entries; a reduction takes at least one');
    return enqueue(async () => {
      if (released) throw new Error('the model session has been released');
      sessions.reduced ??= open('reduced');
      const session = await sessions.reduced;
      const feeds = { ...feedsOf(input, true), ...reductionFeeds(reduction, filler) };
      return reducedOf(feeds, await onDevice(device, () => session.run(feeds, reductionFetches(reduction))));
    });
  };

  // A device compiles its programs at the first evaluation, and says only then that it lacks something.
  if (!cpu && reduced) await reduce(ONE_POSITION, ONE_BLOCK);
  else if (!cpu) await run('probabilities', ONE_POSITION);

  return {
    vocabulary,
    keepsCaches,
    ...(reduced ? { reducer: { filler, reduce } } : {}),
    async evaluate(input) {
      if (input.rows.length === 0) return new Float32Array(0);
      if (input.windows !== undefined && !keepsCaches) throw new Error(NO_CACHES);
      return (await run(input.windows === undefined ? 'probabilities' : 'window', input)).rows;
    },
    async evaluateKeeping(input) {
      if (!keepsCaches) throw new Error(NO_CACHES);
      const { rows, caches } = await run('probabilities', input, true);
      return { probabilities: rows, caches };
    },
    async logits(input) {
      return input.rows.length === 0 ? new Float32Array(0) : (await run('logits', input)).rows;
    },
    release: () =>
      enqueue(async () => {
        if (released) return;
        released = true;
        for (const session of Object.values(sessions)) await (await session).release();
      }),
  };
}

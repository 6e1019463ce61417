/**
 * A loaded model that answers: which token could stand at these rows of these canvases?
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { CanvasCache, CanvasWindow } from './canvas-cache.ts';
import { type Architecture, readArchitecture } from './config.ts';
import { checkDevice, type Device, hasPortableAttention, onDevice, type PrecisionName } from './device.ts';
import { feedsOf } from './feeds.ts';
import { buildGraph, type GraphOptions } from './graph.ts';
import { keyValueNames } from './key-values.ts';
import { type Reduced, type Reduction, reducedOf, reductionFeeds, reductionFetches, TOP_TOKENS } from './reduction.ts';
import { runtimeOptions } from './runtime.ts';
import { openWeights } from './source.ts';

export interface EvaluationInput {
  readonly batch: number;
  /** Padded length of every canvas. */
  readonly length: number;
  /** batch x length token ids; what lies behind a canvas's own length is ignored. */
  readonly ids: Int32Array;
  /** Each canvas's own length, 1..length. */
  readonly lengths: Int32Array;
  /** R flat indices (canvas * length + position) whose distribution is wanted. */
  readonly rows: Int32Array;
  /** R flat indices of the same positions in canvases without the condition, for guidance. */
  readonly baseRows?: Int32Array;
  /** R weights w >= 0: logits (1 + w) conditional - w unconditional. */
  readonly guidance?: Float32Array;
  /** R values > 0; 1 where absent. */
  readonly inverseTemperature?: Float32Array;
  /** Where the result goes, R x vocabulary values; a new array where absent. */
  readonly into?: Float32Array;
  /** One for each canvas where `ids` are windows of canvases, `length` positions each, none of them padding. */
  readonly windows?: readonly CanvasWindow[];
}

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

function checkWindows({ batch, length, windows }: EvaluationInput): void {
  if (windows === undefined) return;
  if (windows.length !== batch) throw new RangeError(`windows has ${windows.length} entries, not ${batch}`);
  for (const { first, canvas, cache } of windows) {
    if (first < 0 || first + length > canvas || canvas > cache.length) {
      throw new RangeError(
        `a window of ${length} positions from ${first} on is not inside ${canvas} of ${cache.length} positions`,
      );
    }
    if (cache.length !== windows[0].cache.length) throw new RangeError('the cached canvases differ in padded length');
  }
}

function checkInput(input: EvaluationInput, shape: Architecture): void {
  const { batch, length, ids, lengths, rows } = input;
  if (!(length >= 1 && length <= shape.context)) {
    throw new RangeError(`length is ${length}; the model takes canvases of 1 to ${shape.context} positions`);
  }
  if (ids.length !== batch * length) throw new RangeError(`ids has ${ids.length} entries, not ${batch} x ${length}`);
  if (lengths.length !== batch) throw new RangeError(`lengths has ${lengths.length} entries, not ${batch}`);
  if (lengths.some((own) => own < 1 || own > length)) throw new RangeError(`lengths must be 1 to ${length}`);
  if (ids.some((id) => id < 0 || id >= shape.vocabulary)) {
    throw new RangeError(`ids must be 0 to ${shape.vocabulary - 1}`);
  }
  for (const [name, indices] of [['rows', rows] as const, ['baseRows', input.baseRows ?? rows] as const]) {
    if (indices.length !== rows.length)
      throw new RangeError(`${name} has ${indices.length} entries, not ${rows.length}`);
    if (indices.some((row) => row < 0 || row >= batch * length)) {
      throw new RangeError(`${name} must be 0 to ${batch * length - 1}`);
    }
  }
  if (input.guidance !== undefined && input.baseRows === undefined) throw new RangeError('guidance needs baseRows');
  const { guidance, inverseTemperature, into } = input;
  if (into !== undefined && into.length !== rows.length * shape.vocabulary) {
    throw new RangeError(`into has ${into.length} entries, not ${rows.length} x ${shape.vocabulary}`);
  }
  for (const [name, values] of Object.entries({ guidance, inverseTemperature })) {
    if (values !== undefined && values.length !== rows.length) {
      throw new RangeError(`${name} has ${values.length} entries, not ${rows.length}`);
    }
  }
  checkWindows(input);
  if (guidance?.some((weight) => !(weight >= 0))) throw new RangeError('guidance must be 0 or more');
  if (inverseTemperature?.some((value) => !(value > 0))) throw new RangeError('inverseTemperature must be above 0');
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
  const source = await openWeights(folder, architecture, options.precision, options.cacheFolder);
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
  const usual = reduced ? 'reduced' : 'probabilities';
  const sessions: Partial<Record<GraphName, Promise<InferenceSession>>> = { [usual]: open(usual) };
  await sessions[usual];
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

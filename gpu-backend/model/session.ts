/**
 * A loaded model that answers: which token could stand at these rows of these canvases?
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type Architecture, readArchitecture } from './config.ts';
import { buildGraph, type GraphOptions, INPUTS } from './graph.ts';
import { paddingScores } from './padding.ts';
import { planQueries } from './queries.ts';
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
}

export interface ModelSession {
  readonly vocabulary: number;
  /** Probabilities, Float32Array R x vocabulary; forbidden tokens (the mask among them) have probability 0. */
  evaluate(input: EvaluationInput): Promise<Float32Array>;
  /** Raw logits, Float32Array R x vocabulary, guided but neither tempered nor masked. */
  logits(input: EvaluationInput): Promise<Float32Array>;
  release(): Promise<void>;
}

export interface SessionOptions {
  readonly device: 'cpu' | 'webgpu' | 'cuda';
  readonly precision: 'float32' | 'int8' | 'int4';
  /** Threads of one evaluation on the CPU. */
  readonly threads: number;
  /** Where derived files (int8 weights, checksums) are kept. */
  readonly cacheFolder: string;
  /** Tokens that must never be drawn, beyond the mask. */
  readonly forbidden?: readonly number[];
}

/** What a session is asked for. */
type Output = Exclude<GraphOptions['output'], 'ranges'>;

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
  if (guidance?.some((weight) => !(weight >= 0))) throw new RangeError('guidance must be 0 or more');
  if (inverseTemperature?.some((value) => !(value > 0))) throw new RangeError('inverseTemperature must be above 0');
}

function feedsOf(input: EvaluationInput, output: Output): Record<string, Tensor> {
  const { batch, length, ids, lengths } = input;
  const queries = planQueries(input);
  const count = queries.rows.length;
  const tempered = output === 'probabilities';
  const inverse = () => input.inverseTemperature ?? new Float32Array(count).fill(1);
  return {
    [INPUTS.ids]: new Tensor('int32', ids, [batch, length]),
    [INPUTS.padding]: new Tensor('float32', paddingScores(lengths, length), [batch, 1, 1, length]),
    [INPUTS.queries]: new Tensor('int64', queries.positions, [batch, queries.count]),
    [INPUTS.queryRows]: new Tensor('int32', queries.positionRows, [batch * queries.count]),
    [INPUTS.rows]: new Tensor('int32', queries.rows, [count]),
    [INPUTS.baseRows]: new Tensor('int32', queries.baseRows, [count]),
    [INPUTS.guidance]: new Tensor('float32', input.guidance ?? new Float32Array(count), [count, 1]),
    ...(tempered ? { [INPUTS.inverseTemperature]: new Tensor('float32', inverse(), [count, 1]) } : {}),
  };
}

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
  if (!cpu && precision === 'int8') {
    throw new Error(`precision is int8 and device ${device}; int8 runs on the cpu, ${device} takes float32`);
  }
  const forbidden = [...new Set([architecture.maskToken ?? [], options.forbidden ?? []].flat())];
  const open = (output: Output) => {
    const graph = buildGraph({ architecture, weights: source.weights, precision, cpu, output, forbidden });
    return InferenceSession.create(graph, runtimeOptions(options, source.folder));
  };
  const { vocabulary } = architecture;
  const sessions: Partial<Record<Output, Promise<InferenceSession>>> = {
    probabilities: open('probabilities'),
  };
  await sessions.probabilities;
  let released = false;
  /** The end of the queue: one evaluation at a time. */
  let last: Promise<unknown> = Promise.resolve();

  const enqueue = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };

  const run = (output: Output, input: EvaluationInput): Promise<Float32Array> => {
    checkInput(input, architecture);
    if (input.rows.length === 0) return Promise.resolve(new Float32Array(0));
    return enqueue(async () => {
      if (released) throw new Error('the model session has been released');
      sessions[output] ??= open(output);
      const session = await sessions[output];
      const { into, rows } = input;
      const fetches = into && { [output]: new Tensor('float32', into, [rows.length, architecture.vocabulary]) };
      const results = await session.run(feedsOf(input, output), fetches ?? [output]);
      const { data } = results[output];
      if (!(data instanceof Float32Array)) throw new Error(`the graph gave no float32 ${output}`);
      return into ?? data; // the same memory
    });
  };

  return {
    vocabulary,
    evaluate: async (input) => run('probabilities', input),
    logits: async (input) => run('logits', input),
    release: () =>
      enqueue(async () => {
        if (released) return;
        released = true;
        for (const session of Object.values(sessions)) await (await session).release();
      }),
  };
}

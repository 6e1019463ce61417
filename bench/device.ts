/**
 * A model on a device: does it say what the CPU says, how long is a step, and how far from what the device does at best?
 */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { BLOCK_TOKENS } from '../gpu-backend/lattice/class-table.ts';
import { type Architecture, readArchitecture } from '../gpu-backend/model/config.ts';
import { defaultPrecision } from '../gpu-backend/model/device.ts';
import type { EvaluationInput } from '../gpu-backend/model/evaluation.ts';
import { readWeights } from '../gpu-backend/model/safetensors.ts';
import { type ModelSession, openSession, type SessionOptions } from '../gpu-backend/model/session.ts';
import { copyFloor, type Floor, matrixFloor } from './device-floors.ts';
import { randomCheckpoint } from './random-checkpoint.ts';
import { type Bar, type BenchOptions, median, type Report, type Row, spread } from './report.ts';
import { stepWork } from './step-floor.ts';

const LENGTHS = [128, 512, 1024];
const BATCHES = [1, 8, 32, 128];
const FEWEST_ROUNDS = 3;
const MOST_ROUNDS = 51;
/** A cell that would take longer than so many times --row-ms a step is left out, and said to be. */
const PATIENCE = 4;
/** The bar for float32; float16 rounds logits themselves to 11 bits. */
const LOGIT_BAR = { float32: 1e-2, float16: 1e-1, int8: 1, int4: 2 };
/** Positions of the canvas that is compared with the CPU. */
const COMPARED = 48;

const METHOD =
  'Step: evaluate() of the model session, ids and asked rows (half of the positions) in, probabilities out, everything that crosses the ' +
  'bus included; answer says whether whole rows leave the device or, for a large vocabulary, their reduction (docs/gpu.md).' +
  ' matrix and copy: products of large square matrices in the precision of the graph, and reads plus writes of a large ' +
  'vector, through onnxruntime on the same device. The three run in turn, round by round; times are medians in milliseconds, spread is ' +
  'the distance of the quartiles over the median. operations_ms is the operations of a step over the matrix rate, bytes_ms its ' +
  'weights and answers over the copy rate: the two floors; ratio is the step over the higher one. A cell whose step would take ' +
  'more than 4 times --row-ms is left out. logit_distance: the largest difference from the CPU in float32.';

interface Subject {
  readonly name: string;
  readonly folder: string;
}

/** The model with room for 1,024 positions: the same tensors under a config.json that says so. */
async function lengthened(model: string, cacheFolder: string): Promise<string> {
  const config = JSON.parse(await readFile(join(model, 'config.json'), 'utf8')) as Record<string, unknown>;
  const longest = Math.max(...LENGTHS);
  if (Number(config.max_sequence_length) >= longest) return model;
  const folder = join(cacheFolder, 'lengthened');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, max_sequence_length: longest }));
  for (const file of new Set([...(await readWeights(model)).values()].map((tensor) => tensor.file))) {
    await cp(join(model, file), join(folder, file)); // a copy: onnxruntime follows no link out of the folder
  }
  return folder;
}

function inputOf(shape: Architecture, batch: number, length: number): EvaluationInput {
  const positions = batch * length;
  return {
    batch,
    length,
    ids: Int32Array.from({ length: positions }, (_, i) => (i * 7919) % shape.vocabulary),
    lengths: new Int32Array(batch).fill(length),
    rows: Int32Array.from({ length: Math.ceil(positions / 2) }, (_, i) => 2 * i),
  };
}

/** Largest difference of the logits from the CPU's, on two canvases of different length. */
async function compare(folder: string, shape: Architecture, session: ModelSession, options: SessionOptions) {
  const parameters = stepWork(shape, { batch: 1, length: 1, asked: 1 }, 1, 0).bytes;
  if (parameters * 4 * 1.5 > freemem()) return undefined; // float32 on the CPU would not fit
  const input = { ...inputOf(shape, 2, COMPARED), lengths: Int32Array.of(COMPARED, COMPARED / 2) };
  const asked = { ...input, rows: Int32Array.of(0, 5, COMPARED - 1, COMPARED, COMPARED + 7) };
  const cpu = await openSession(folder, { ...options, device: 'cpu', precision: 'float32' });
  const [expected, given] = [await cpu.logits(asked), await session.logits(asked)];
  await cpu.release();
  return given.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
}

/** One evaluation as the engine asks for it; resolves with the bytes that leave the device, of a reduction also those that enter it. */
function stepOf(session: ModelSession, input: EvaluationInput): () => Promise<number> {
  const { reducer, vocabulary } = session;
  if (reducer === undefined) return async () => (await session.evaluate(input)).byteLength;
  // As for free text: all tokens but the filler are one class.
  const places = Math.ceil(vocabulary / BLOCK_TOKENS) * BLOCK_TOKENS;
  const table = Int32Array.from({ length: places }, (_, token) => (token < vocabulary ? token : reducer.filler));
  const tableOfRow = new Int32Array(input.rows.length);
  const reduction = { block: BLOCK_TOKENS, tables: [table], tableOfRow, watched: Int32Array.of(1), entropies: false };
  return async () => (await reducer.reduce(input, reduction)).bytes;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Step, products and copies in turn. */
async function measure(step: () => Promise<unknown>, floors: readonly [Floor, Floor], first: number, budget: number) {
  const rounds = Math.min(MOST_ROUNDS, Math.max(FEWEST_ROUNDS, Math.round(budget / first)));
  const times = { step: [] as number[], matrix: [] as number[], copy: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    times.step.push(await timed(step));
    times.matrix.push(await timed(floors[0].run));
    times.copy.push(await timed(floors[1].run));
  }
  return times;
}

/** Rates in units of 1e9 a second. */
const rate = (floor: Floor, times: readonly number[]) => floor.amount / median(times) / 1e6;

async function measureSubject(
  { name, folder }: Subject,
  options: SessionOptions,
  floors: readonly [Floor, Floor],
  budget: number,
): Promise<{ rows: Row[]; bar: Bar | undefined }> {
  const shape = await readArchitecture(folder);
  const session = await openSession(folder, options);
  const rows: Row[] = [];
  const answer = session.reducer === undefined ? 'rows' : 'reduced';
  const weightBytes = options.precision === 'float16' ? 2 : 4;
  let perPosition = 0; // milliseconds, of the last cell
  for (const length of LENGTHS.filter((candidate) => candidate <= shape.context)) {
    for (const batch of BATCHES) {
      const cell = { model: name, answer, length, batch };
      const expected = perPosition * batch * length;
      if (expected > PATIENCE * budget) {
        rows.push({ ...cell, left_out: `about ${Math.round(expected / 1000)} s a step` });
        continue;
      }
      const input = inputOf(shape, batch, length);
      const step = stepOf(session, input);
      const answerBytes = await step(); // programs for these sizes are compiled at the first
      const times = await measure(step, floors, await timed(step), budget);
      const asked = input.rows.length;
      const { operations, bytes } = stepWork(shape, { batch, length, asked }, weightBytes, answerBytes);
      const [matrixRate, copyRate] = [rate(floors[0], times.matrix), rate(floors[1], times.copy)];
      const ms = median(times.step);
      const bounds = { operations_ms: operations / matrixRate / 1e6, bytes_ms: bytes / copyRate / 1e6 };
      perPosition = ms / (batch * length);
      rows.push({
        ...cell,
        step_ms: ms,
        step_spread: spread(times.step),
        positions_per_second: Math.round((1000 * batch * length) / ms),
        ...bounds,
        ratio: ms / Math.max(bounds.operations_ms, bounds.bytes_ms),
        matrix_gflops: matrixRate,
        copy_gbs: copyRate,
        answer_mb: answerBytes / 1e6,
        rounds: times.step.length,
        left_out: '',
      });
    }
  }
  const distance = await compare(folder, shape, session, options);
  await session.release();
  const bound = LOGIT_BAR[options.precision];
  const what = `${name}: logit_distance of ${options.device} in ${options.precision}`;
  const bar =
    distance === undefined ? undefined : { what, value: distance, bound: `at most ${bound}`, holds: distance <= bound };
  return { rows, bar };
}

/** Measures the model, and a random checkpoint where `--shape` names one, on `--device`. */
export async function run(options: BenchOptions): Promise<Report> {
  const { device = 'webgpu', threads, cacheFolder, rowMilliseconds } = options;
  const precision = options.precision ?? defaultPrecision(device);
  const session: SessionOptions = { device, precision, threads, cacheFolder };
  const subjects: Subject[] = [{ name: 'model', folder: await lengthened(options.model, cacheFolder) }];
  if (options.shape !== undefined) {
    subjects.push({ name: options.shape, folder: await randomCheckpoint(options.shape, cacheFolder) });
  }
  const floors = [await matrixFloor(device, precision), await copyFloor(device)] as const;
  const rows: Row[] = [];
  const bars: Bar[] = [];
  for (const subject of subjects) {
    const measured = await measureSubject(subject, session, floors, rowMilliseconds);
    rows.push(...measured.rows);
    if (measured.bar !== undefined) bars.push(measured.bar);
  }
  for (const floor of floors) await floor.release();
  return { bench: 'device', method: `${device} in ${precision}. ${METHOD}`, rows, bars };
}

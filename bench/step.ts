/**
 * One denoising step: how long, how many positions a second, and how far from the matrix products it cannot do without.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type Architecture, readArchitecture } from '../gpu-backend/model/config.ts';
import { quantisedWeights } from '../gpu-backend/model/quantise.ts';
import { runtimeOptions } from '../gpu-backend/model/runtime.ts';
import { readWeights } from '../gpu-backend/model/safetensors.ts';
import { openSession, type SessionOptions } from '../gpu-backend/model/session.ts';
import { ATTENTION, attentionProductsGraph, LEFT, weightProductsGraph } from './products-graph.ts';
import { type Bar, type BenchOptions, median, type Report, type Row, spread } from './report.ts';

const LENGTHS = [32, 64, 128, 256];
const BATCHES = [1, 8];
const PRECISIONS = ['int8', 'float32'] as const;
const WARM_UP_ROUNDS = 3;
const FEWEST_ROUNDS = 9;
const MOST_ROUNDS = 101;

const METHOD =
  'Step: evaluate() of the model session, ids and asked rows in, probabilities of half of the positions out. Products: the same ' +
  'matrix products alone, in the same precision form (int8: bytes in, quantisation not counted), weights = all products ' +
  'with weights, attention = query x key and scores x value in float32; the last block on the asked rows alone, as in the step. The three run in turn, round by round, in one process; ' +
  'times are medians in milliseconds, spread is the distance of the quartiles over the median; ratios are medians over the ' +
  'rounds of step / (weights + attention) and of step / weights.';

type Work = () => Promise<unknown>;

function filled(type: 'float32' | 'uint8', shape: readonly number[]): Tensor {
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  if (type === 'uint8')
    return new Tensor(
      'uint8',
      new Uint8Array(size).map((_, i) => (i * 37) % 255),
      shape,
    );
  return new Tensor(
    'float32',
    new Float32Array(size).map((_, i) => ((i * 37) % 255) / 255 - 0.5),
    shape,
  );
}

/** The three things that are timed, for any batch and length. */
async function contestants(
  shape: Architecture,
  { model, threads, cacheFolder }: BenchOptions,
  precision: 'int8' | 'float32',
) {
  const options: SessionOptions = { device: 'cpu', precision, threads, cacheFolder };
  const stored = await readWeights(model);
  const source =
    precision === 'int8'
      ? await quantisedWeights(model, shape, stored, cacheFolder)
      : { folder: model, weights: stored };
  const runtime = runtimeOptions(options, source.folder);
  const session = await openSession(model, options);
  const weights = await InferenceSession.create(weightProductsGraph(shape, source.weights, precision), runtime);
  const attention = await InferenceSession.create(attentionProductsGraph(shape), runtime);
  const works = (batch: number, length: number): Record<'step' | 'weights' | 'attention', Work> => {
    const positions = batch * length;
    const rows = Int32Array.from({ length: positions / 2 }, (_, i) => 2 * i);
    const ids = Int32Array.from({ length: positions }, (_, i) => (i * 7919) % shape.vocabulary);
    const input = { batch, length, ids, lengths: new Int32Array(batch).fill(length), rows };
    const type = precision === 'int8' ? 'uint8' : 'float32';
    const left = {
      [LEFT.narrow]: filled(type, [positions, shape.width]),
      [LEFT.wide]: filled(type, [positions, shape.hidden]),
      [LEFT.asked]: filled(type, [rows.length, shape.width]),
      [LEFT.askedWide]: filled(type, [rows.length, shape.hidden]),
    };
    const heads = {
      [ATTENTION.query]: filled('float32', [batch, shape.heads, length, shape.headWidth]),
      [ATTENTION.key]: filled('float32', [batch, shape.heads, shape.headWidth, length]),
      [ATTENTION.scores]: filled('float32', [batch, shape.heads, length, length]),
      [ATTENTION.value]: filled('float32', [batch, shape.heads, length, shape.headWidth]),
      [ATTENTION.askedQuery]: filled('float32', [batch, shape.heads, length / 2, shape.headWidth]),
      [ATTENTION.askedScores]: filled('float32', [batch, shape.heads, length / 2, length]),
    };
    return {
      step: () => session.evaluate(input),
      weights: () => weights.run(left),
      attention: () => attention.run(heads),
    };
  };
  const release = async () => {
    await session.release();
    await weights.release();
    await attention.release();
  };
  return { works, release };
}

async function timed(work: Work): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function measure(works: Record<'step' | 'weights' | 'attention', Work>, rowMilliseconds: number) {
  const times = { step: [] as number[], weights: [] as number[], attention: [] as number[] };
  let rounds = WARM_UP_ROUNDS;
  const start = performance.now();
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    if (round === 0) {
      const perRound = (performance.now() - start) / WARM_UP_ROUNDS;
      rounds = Math.min(MOST_ROUNDS, Math.max(FEWEST_ROUNDS, Math.round(rowMilliseconds / perRound)));
    }
    for (const name of ['step', 'weights', 'attention'] as const) {
      const time = await timed(works[name]);
      if (round >= 0) times[name].push(time);
    }
  }
  return times;
}

/** The most that a step may take, in times its matrix products: int8, this length, by batch. */
const MOST_RATIO: Readonly<Record<number, number>> = { 1: 1.25, 8: 1.3 };
const BAR_LENGTH = 128;

function barsOf(rows: readonly Row[]): Bar[] {
  return rows
    .filter(({ precision, length }) => precision === 'int8' && length === BAR_LENGTH)
    .map(({ batch, ratio_to_products }) => {
      const most = MOST_RATIO[Number(batch)];
      const value = Number(ratio_to_products);
      const what = `step over its matrix products, int8, L = ${BAR_LENGTH}, batch ${batch}`;
      return { what, value, bound: `at most ${most}`, holds: value <= most };
    });
}

/** Measures every length, batch and precision. */
export async function run(options: BenchOptions): Promise<Report> {
  const shape = await readArchitecture(options.model);
  const rows: Row[] = [];
  for (const precision of PRECISIONS) {
    const { works, release } = await contestants(shape, options, precision);
    for (const batch of BATCHES) {
      for (const length of LENGTHS.filter((candidate) => candidate <= shape.context)) {
        const { step, weights, attention } = await measure(works(batch, length), options.rowMilliseconds);
        const ms = median(step);
        rows.push({
          precision,
          batch,
          length,
          step_ms: ms,
          step_spread: spread(step),
          positions_per_second: Math.round((1000 * batch * length) / ms),
          weights_ms: median(weights),
          attention_ms: median(attention),
          ratio_to_products: median(step.map((time, i) => time / (weights[i] + attention[i]))),
          ratio_to_weights: median(step.map((time, i) => time / weights[i])),
          rounds: step.length,
        });
      }
    }
    await release();
  }
  return { bench: 'step', method: `${METHOD} ${options.threads} threads.`, rows, bars: barsOf(rows) };
}

/** Windows beside kept keys and values, on the real runtime. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationInput } from '../../../gpu-backend/model/evaluation.ts';
import { type ModelSession, openSession } from '../../../gpu-backend/model/session.ts';
import { lladaConfig, modernbertConfig, randomNumbers, writeRandomModel } from './random-model.ts';

const LENGTH = 48;
const WINDOW = 16;
let folder: string;
const sessions: ModelSession[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskwright-windows-'));
});
afterAll(async () => {
  for (const session of sessions) await session.release();
  await rm(folder, { recursive: true });
});

async function open(layers: number, precision: 'float32' | 'int8', keyHeads = 1): Promise<ModelSession> {
  return openRandom(`${layers}-${keyHeads}`, lladaConfig({ n_layers: layers, n_kv_heads: keyHeads }), precision);
}

async function openRandom(name: string, config: Record<string, unknown>, precision: 'float32' | 'int8') {
  const path = join(folder, name);
  await writeRandomModel(path, config, 7);
  const options = { device: 'cpu', precision, threads: 2, cacheFolder: join(folder, 'cache') } as const;
  sessions.push(await openSession(path, options));
  return sessions.at(-1)!;
}

const random = randomNumbers(3);
const canvas = (length: number) => Int32Array.from({ length }, () => Math.floor(random() * 300));

/** Canvases of these lengths, every position of the windows asked for. */
function whole(canvases: readonly Int32Array[], firsts: readonly number[]): EvaluationInput {
  const ids = new Int32Array(canvases.length * LENGTH).fill(1);
  canvases.forEach((one, b) => {
    ids.set(one, b * LENGTH);
  });
  const rows = firsts.flatMap((first, b) => Array.from({ length: WINDOW }, (_, i) => b * LENGTH + first + i));
  const lengths = Int32Array.from(canvases, (one) => one.length);
  return { batch: canvases.length, length: LENGTH, ids, lengths, rows: Int32Array.from(rows) };
}

/** The same, of the windows alone. */
async function windows(
  session: ModelSession,
  before: EvaluationInput,
  after: EvaluationInput,
  firsts: readonly number[],
) {
  const { caches, probabilities } = await session.evaluateKeeping(before);
  expect(probabilities).toEqual(await session.evaluate(before));
  const { batch, lengths } = after;
  const input: EvaluationInput = {
    batch,
    length: WINDOW,
    ids: Int32Array.from(firsts.flatMap((first, b) => [...after.ids.subarray(b * LENGTH + first).subarray(0, WINDOW)])),
    lengths: new Int32Array(batch).fill(WINDOW),
    rows: Int32Array.from({ length: batch * WINDOW }, (_, i) => i),
    windows: firsts.map((first, b) => ({ first, canvas: lengths[b], cache: caches[b] })),
  };
  return input;
}

const FIRSTS = [0, 9, 24];
const LENGTHS = [40, 48, 43];
const difference = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

describe('a window', () => {
  it.each([3, 4])('of a model with local attention has the rows of its canvas, %i layers', async (layers) => {
    // Of three layers the last is local, of four it is global.
    const config = modernbertConfig({ num_hidden_layers: layers });
    const session = await openRandom(`local-${layers}`, config, 'float32');
    const before = whole(LENGTHS.map(canvas), FIRSTS);
    const input = await windows(session, before, before, FIRSTS);
    expect(difference(await session.evaluate(input), await session.evaluate(before))).toBeLessThan(1e-5);
  });

  it.each(['float32', 'int8'] as const)('of a canvas that did not change has its rows, %s', async (precision) => {
    const session = await open(3, precision);
    const before = whole(LENGTHS.map(canvas), FIRSTS);
    const input = await windows(session, before, before, FIRSTS);
    expect(difference(await session.evaluate(input), await session.evaluate(before))).toBeLessThan(1e-6);
  });

  it('of a model of one block is exact even where its tokens changed: the rest does not look at them', async () => {
    const session = await open(1, 'float32', 2);
    const canvases = LENGTHS.map(canvas);
    const before = whole(canvases, FIRSTS);
    const changed = canvases.map((one, b) => {
      const other = one.slice();
      other.set(canvas(WINDOW), FIRSTS[b]);
      return other;
    });
    const after = whole(changed, FIRSTS);
    const input = await windows(session, before, after, FIRSTS);
    const expected = await session.evaluate(after);
    expect(difference(await session.evaluate(input), expected)).toBeLessThan(1e-6);
    expect(difference(expected, await session.evaluate(before))).toBeGreaterThan(1e-3);
  });

  it.each(['float32', 'int8'] as const)('has the same bits alone and among others, %s', async (precision) => {
    const session = await open(3, precision);
    const before = whole(LENGTHS.map(canvas), FIRSTS);
    const input = await windows(session, before, before, FIRSTS);
    const together = (await session.evaluate(input)).slice();
    for (const b of FIRSTS.keys()) {
      const alone = await session.evaluate({
        ...input,
        batch: 1,
        ids: input.ids.slice(b * WINDOW, (b + 1) * WINDOW),
        lengths: Int32Array.of(WINDOW),
        rows: Int32Array.from({ length: WINDOW }, (_, i) => i),
        windows: [input.windows![b]],
      });
      const size = alone.length;
      expect(alone).toEqual(together.slice(b * size, (b + 1) * size));
    }
  });

  it('is refused where it is not inside its canvas, or has no cache', async () => {
    const session = await open(1, 'float32', 2);
    const before = whole(LENGTHS.map(canvas), FIRSTS);
    const input = await windows(session, before, before, FIRSTS);
    const [first, ...rest] = input.windows!;
    await expect(session.evaluate({ ...input, windows: [{ ...first, first: 30 }, ...rest] })).rejects.toThrow(
      'a window of 16 positions from 30 on is not inside 40 of 48 positions',
    );
    await expect(session.evaluate({ ...input, windows: rest })).rejects.toThrow('windows has 2 entries, not 3');
    await expect(session.logits(input)).rejects.toThrow('windows have no logits');
  });
});

/** What a session promises beyond the numbers themselves: independence of neighbours, guidance, temperature, masks, refusals. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationInput } from '../../../gpu-backend/model/evaluation.ts';
import { type ModelSession, openSession } from '../../../gpu-backend/model/session.ts';
import { lladaConfig, randomNumbers, writeRandomModel } from './random-model.ts';

const VOCABULARY = 512;
const FORBIDDEN = [0, 3, 7, 511];
const PRECISIONS = ['float32', 'int8'] as const;

let folder: string;
const sessions = new Map<string, ModelSession>();
const session = (precision: string) => sessions.get(precision)!;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskwright-session-'));
  // Wide enough that onnxruntime divides products between its threads.
  const shape = { d_model: 192, n_heads: 3, n_kv_heads: 3, mlp_hidden_size: 512, vocab_size: VOCABULARY };
  await writeRandomModel(folder, lladaConfig({ ...shape, embedding_size: VOCABULARY }), 2);
  for (const precision of PRECISIONS) {
    const options = { device: 'cpu', precision, threads: 2, cacheFolder: join(folder, 'cache'), forbidden: FORBIDDEN };
    sessions.set(precision, await openSession(folder, { ...options, device: 'cpu' }));
  }
});
afterAll(async () => {
  for (const one of sessions.values()) await one.release();
  await rm(folder, { recursive: true });
});

interface Canvas {
  readonly ids: readonly number[];
  /** Positions asked for. */
  readonly asked: readonly number[];
}

function batchOf(canvases: readonly Canvas[], length: number): EvaluationInput {
  const ids = new Int32Array(canvases.length * length).fill(1);
  for (const [i, canvas] of canvases.entries()) ids.set(canvas.ids, i * length);
  return {
    batch: canvases.length,
    length,
    ids,
    lengths: Int32Array.from(canvases, (canvas) => canvas.ids.length),
    rows: Int32Array.from(canvases.flatMap((canvas, i) => canvas.asked.map((position) => i * length + position))),
  };
}

function randomCanvas(random: () => number, length: number, asked: number): Canvas {
  const ids = Array.from({ length }, () => Math.floor(random() * VOCABULARY));
  return { ids, asked: Array.from({ length: asked }, () => Math.floor(random() * length)) };
}

const row = (values: Float32Array, index: number) => values.subarray(index * VOCABULARY, (index + 1) * VOCABULARY);

describe.each(PRECISIONS)('%s', (precision) => {
  it('gives a canvas the same bits alone and among neighbours, at equal padded length', async () => {
    const batches = fc.record({
      seed: fc.nat(),
      length: fc.integer({ min: 1, max: 130 }),
      sizes: fc.array(fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), asked: fc.nat(12) }), {
        minLength: 2,
        maxLength: 9,
      }),
    });
    await fc.assert(
      fc.asyncProperty(batches, async ({ seed, length, sizes }) => {
        const random = randomNumbers(seed);
        const canvases = sizes.map(({ share, asked }) =>
          randomCanvas(random, Math.max(1, Math.round(share * length)), asked),
        );
        const together = await session(precision).evaluate(batchOf(canvases, length));
        let first = 0;
        for (const canvas of canvases) {
          const alone = await session(precision).evaluate(batchOf([canvas], length));
          const end = first + canvas.asked.length;
          expect(Buffer.from(together.slice(first * VOCABULARY, end * VOCABULARY).buffer)).toEqual(
            Buffer.from(alone.slice().buffer),
          );
          first = end;
        }
      }),
      { numRuns: 25, seed: 20 },
    );
  });

  it('gives each row a distribution in which forbidden tokens have probability exactly 0', async () => {
    const input = batchOf([randomCanvas(randomNumbers(1), 40, 20)], 40);
    const inverseTemperature = Float32Array.from(input.rows, (_, i) => 0.25 * 1.4 ** i);
    const probabilities = await session(precision).evaluate({ ...input, inverseTemperature });
    for (let i = 0; i < input.rows.length; i++) {
      const distribution = row(probabilities, i);
      expect(FORBIDDEN.map((token) => distribution[token])).toEqual(FORBIDDEN.map(() => 0));
      expect(distribution.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
      expect(distribution.every((value) => value >= 0)).toBe(true);
    }
  });

  it('tempers: probabilities at 1 / T are the softmax of the logits over T', async () => {
    const input = batchOf([randomCanvas(randomNumbers(4), 24, 6)], 24);
    const inverseTemperature = Float32Array.of(0.5, 1, 2, 0.1, 5, 1.25);
    const logits = await session(precision).logits(input);
    const probabilities = await session(precision).evaluate({ ...input, inverseTemperature });
    for (let i = 0; i < input.rows.length; i++) {
      const scores = Array.from(row(logits, i), (value, id) =>
        FORBIDDEN.includes(id) ? Number.NEGATIVE_INFINITY : value * inverseTemperature[i],
      );
      const most = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - most));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const difference = weights.map((weight, id) => Math.abs(weight / total - row(probabilities, i)[id]));
      expect(Math.max(...difference)).toBeLessThan(1e-5);
    }
  });

  it('guides: w = 0 is no guidance, bit for bit; w > 0 extrapolates the logits', async () => {
    const random = randomNumbers(9);
    const conditional = randomCanvas(random, 20, 5);
    const unconditional = { ids: [2, ...conditional.ids.slice(1)], asked: [] };
    const input = batchOf([conditional, unconditional], 20);
    const baseRows = input.rows.map((index) => index + 20);
    const plain = await session(precision).logits(input);
    const none = await session(precision).logits({ ...input, baseRows, guidance: new Float32Array(5) });
    expect(none).toEqual(plain);
    const base = await session(precision).logits({ ...input, rows: baseRows });
    const guided = await session(precision).logits({ ...input, baseRows, guidance: new Float32Array(5).fill(1.5) });
    // Combining hidden states is exact for a linear head; int8 rounds the combined state instead of both.
    const tolerance = precision === 'float32' ? 1e-4 : 0.15;
    const difference = guided.map((value, i) => Math.abs(value - (2.5 * plain[i] - 1.5 * base[i])));
    expect(Math.max(...difference)).toBeLessThan(tolerance);
  });

  it('answers concurrent callers one after the other, each its own question', async () => {
    const random = randomNumbers(31);
    const inputs = Array.from({ length: 6 }, (_, i) => batchOf([randomCanvas(random, 10 + i, 3)], 10 + i));
    const expected: Float32Array[] = [];
    for (const input of inputs) expected.push(await session(precision).evaluate(input));
    const results = await Promise.all(inputs.map((input) => session(precision).evaluate(input)));
    expect(results).toEqual(expected);
  });

  it('is close to float32', async () => {
    const input = batchOf([randomCanvas(randomNumbers(6), 64, 32)], 64);
    const exact = await session('float32').evaluate(input);
    const ours = await session(precision).evaluate(input);
    for (let i = 0; i < input.rows.length; i++) {
      const distance = row(ours, i).reduce((sum, value, id) => sum + Math.abs(value - row(exact, i)[id]), 0) / 2;
      expect(distance).toBeLessThan(0.05);
    }
  });
});

describe('rows of zeros', () => {
  it('stay zeros in int8, whose scale for them is zero', async () => {
    const path = join(folder, 'zeros');
    // Values of zero make every row that leaves the attention a row of zeros.
    await writeRandomModel(path, lladaConfig(), 5, 'float32', (name) => name.endsWith('v_proj.weight'));
    const input = batchOf([randomCanvas(randomNumbers(2), 12, 6)], 12);
    const ids = input.ids.map((id) => id % 300);
    const results: Float32Array[] = [];
    for (const precision of PRECISIONS) {
      const one = await openSession(path, { device: 'cpu', precision, threads: 1, cacheFolder: join(folder, 'cache') });
      results.push(await one.evaluate({ ...input, ids }));
      await one.release();
    }
    const difference = results[0].map((value, i) => Math.abs(value - results[1][i]));
    expect(Math.max(...difference)).toBeLessThan(0.01);
  });
});

describe('a session', () => {
  const good = () => batchOf([randomCanvas(randomNumbers(8), 8, 4)], 8);

  it('gives nothing for no rows', async () => {
    expect(await session('float32').evaluate({ ...good(), rows: new Int32Array(0) })).toEqual(new Float32Array(0));
  });

  it.each<[string, Partial<EvaluationInput>, RegExp]>([
    ['a canvas longer than the context', { length: 257 }, /length is 257; .* 1 to 256/],
    ['too few ids', { ids: new Int32Array(7) }, /ids has 7 entries/],
    ['an id outside the vocabulary', { ids: new Int32Array(8).fill(VOCABULARY) }, /ids must be 0 to 511/],
    ['a length of zero', { lengths: Int32Array.of(0) }, /lengths must be 1 to 8/],
    ['a length behind the padding', { lengths: Int32Array.of(9) }, /lengths must be 1 to 8/],
    ['a row outside the batch', { rows: Int32Array.of(8) }, /rows must be 0 to 7/],
    ['guidance without base rows', { guidance: new Float32Array(4) }, /guidance needs baseRows/],
    ['guidance of the wrong size', { baseRows: new Int32Array(4), guidance: new Float32Array(1) }, /guidance has 1/],
    ['a temperature of zero', { inverseTemperature: new Float32Array(4) }, /inverseTemperature must be above 0/],
  ])('refuses %s', async (_, change, message) => {
    await expect(session('float32').evaluate({ ...good(), ...change })).rejects.toThrow(message);
  });

  it('refuses work once released', async () => {
    const options = { device: 'cpu', precision: 'float32', threads: 1, cacheFolder: join(folder, 'cache') } as const;
    const brief = await openSession(folder, options);
    const pending = brief.evaluate(good());
    await brief.release();
    expect((await pending).length).toBe(4 * VOCABULARY);
    await expect(brief.evaluate(good())).rejects.toThrow(/released/);
  });
});

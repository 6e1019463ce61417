/** Four-bit weights: what they stand for, and that a graph of them computes with exactly that. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BLOCK, quantiseFourBits, widenFourBits } from '../../../gpu-backend/model/four-bits.ts';
import { allProducts } from '../../../gpu-backend/model/products.ts';
import { readSafetensorsHeader, type TensorToWrite, writeSafetensors } from '../../../gpu-backend/model/safetensors.ts';
import { openSession } from '../../../gpu-backend/model/session.ts';
import { lladaConfig, randomNumbers, writeRandomModel } from './random-model.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'maskwright-four-bits-'));
});
afterAll(() => rm(root, { recursive: true }));

const matrices = fc
  .record({ from: fc.integer({ min: 1, max: 70 }), rows: fc.integer({ min: 1, max: 3 }) })
  .chain(({ from, rows }) =>
    fc.record({
      from: fc.constant(from),
      values: fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), {
        minLength: from * rows,
        maxLength: from * rows,
      }),
    }),
  );

describe('four bits', () => {
  it('stand for each weight within half a step, or within one where the far end has no value', () => {
    fc.assert(
      fc.property(matrices, ({ from, values }) => {
        const weight = Float32Array.from(values);
        const { packed, scales } = quantiseFourBits(weight, from);
        const widened = widenFourBits(packed, scales, from);
        const blocks = Math.ceil(from / BLOCK);
        for (const [i, value] of weight.entries()) {
          const scale = scales[Math.floor(i / from) * blocks + Math.floor((i % from) / BLOCK)];
          const farEnd = value * Math.sign(scale) > 7 * Math.abs(scale);
          expect(Math.abs(widened[i] - value)).toBeLessThanOrEqual(Math.abs(scale) * (farEnd ? 1.001 : 0.501) + 1e-30);
        }
      }),
    );
  });

  it('stand for the largest weight of a block exactly', () => {
    for (const most of [3.7, -3.7]) {
      const weight = Float32Array.from({ length: BLOCK }, (_, i) => (i === 9 ? most : i / 40));
      const { packed, scales } = quantiseFourBits(weight, BLOCK);
      expect(widenFourBits(packed, scales, BLOCK)[9]).toBeCloseTo(most, 6);
    }
  });

  it('are refused for a weight that is no finite number', () => {
    expect(() => quantiseFourBits(Float32Array.of(1, Number.NaN), 2)).toThrow(/not a finite/);
  });
});

/** Odd sizes, so that rows end inside a block. */
const CONFIG = lladaConfig({ mlp_hidden_size: 100, weight_tying: false });

function input(seed: number, lengths: readonly number[], length: number) {
  const random = randomNumbers(seed);
  return {
    ...{ batch: lengths.length, length },
    ids: Int32Array.from({ length: lengths.length * length }, () => Math.floor(random() * 300)),
    lengths: Int32Array.from(lengths),
    rows: Int32Array.from(lengths.flatMap((own, i) => Array.from({ length: own }, (_, j) => i * length + j))),
  };
}

describe('a session on four-bit weights', () => {
  const options = () => ({ device: 'cpu', threads: 2, cacheFolder: join(root, 'cache') }) as const;

  it('computes with the weights that they stand for, up to the rounding of activations to bytes', async () => {
    const model = await writeRandomModel(join(root, 'model'), CONFIG, 17);
    const tensors = new Map(model.tensors);
    for (const { weight, from } of allProducts(model.architecture)) {
      const { packed, scales } = quantiseFourBits(tensors.get(weight)!, from);
      tensors.set(weight, widenFourBits(packed, scales, from));
    }
    const widened = await writeRandomModel(join(root, 'widened'), CONFIG, 17);
    const shapes = await readSafetensorsHeader(widened.folder, 'model.safetensors');
    const list = [...shapes].map(([name, { type, shape }]): TensorToWrite => {
      return { name, type, shape, data: async () => new Uint8Array(tensors.get(name)!.buffer) };
    });
    await writeSafetensors(join(widened.folder, 'model.safetensors'), list);

    const question = input(3, [20, 7], 20);
    const exact = await openSession(widened.folder, { ...options(), precision: 'float32' });
    const ours = await openSession(model.folder, { ...options(), precision: 'int4' });
    const expected = await exact.logits(question);
    const given = await ours.logits(question);
    await Promise.all([exact.release(), ours.release()]);
    const square = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
    const error = Math.sqrt(square(expected.map((value, i) => value - given[i])) / square(expected));
    expect(error).toBeLessThan(0.03);
  });

  it('gives a canvas the same bits alone and among neighbours, at equal padded length', async () => {
    const { folder } = await writeRandomModel(join(root, 'alone'), CONFIG, 18);
    const session = await openSession(folder, { ...options(), precision: 'int4' });
    for (const [length, lengths] of [
      [1, [1, 1, 1]],
      [33, [33, 5, 17, 20]],
      [96, [64, 96]],
    ] as const) {
      const together = input(length, lengths, length);
      const all = await session.evaluate(together);
      let from = 0;
      for (const [i, own] of lengths.entries()) {
        const alone = {
          ...{ batch: 1, length, ids: together.ids.slice(i * length, (i + 1) * length), lengths: Int32Array.of(own) },
          rows: Int32Array.from({ length: own }, (_, j) => j),
        };
        const to = from + own * session.vocabulary;
        expect(Buffer.from((await session.evaluate(alone)).buffer)).toEqual(Buffer.from(all.slice(from, to).buffer));
        from = to;
      }
    }
    await session.release();
  });
});

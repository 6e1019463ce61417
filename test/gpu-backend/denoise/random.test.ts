import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { philox, uniforms } from '../../../gpu-backend/denoise/random.ts';

/** Random123's known answers, tests/kat_vectors, `philox4x32 10`. */
const VECTORS = [
  { counter: [0, 0, 0, 0], key: [0, 0], out: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    out: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    out: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
] as const;

describe('philox', () => {
  it.each(VECTORS)('gives the published answer for counter $counter', ({ counter, key, out }) => {
    const words = new Uint32Array(4);
    philox([...counter], [...key], words);
    expect([...words]).toEqual([...out]);
  });

  it('agrees with 64-bit integer arithmetic', () => {
    const word = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        const words = new Uint32Array(4);
        philox(counter, key, words);
        expect([...words]).toEqual(bigPhilox(counter, key));
      }),
      { numRuns: 200 },
    );
  });
});

function bigPhilox(counter: readonly number[], key: readonly number[]): number[] {
  const mask = 0xffffffffn;
  let c = counter.map(BigInt);
  let k = key.map(BigInt);
  for (let round = 0; round < 10; round++) {
    const a = 0xd2511f53n * c[0];
    const b = 0xcd9e8d57n * c[2];
    c = [(b >> 32n) ^ c[1] ^ k[0], b & mask, (a >> 32n) ^ c[3] ^ k[1], a & mask];
    k = [(k[0] + 0x9e3779b9n) & mask, (k[1] + 0xbb67ae85n) & mask];
  }
  return c.map(Number);
}

describe('uniforms', () => {
  it('lies strictly between 0 and 1 and depends on seed, text, step, purpose, position and draw', () => {
    const base = [7, 0, 1, 'proposal', 3, 5] as const;
    const at = ([seed, index, step, purpose, position, draw]: readonly [
      number,
      number,
      number,
      'proposal' | 'sampler',
      number,
      number,
    ]) => uniforms(seed, index, step, purpose)(position, draw);
    const others = [
      at([8, 0, 1, 'proposal', 3, 5]),
      at([7 + 2 ** 32, 0, 1, 'proposal', 3, 5]),
      at([Number.MAX_SAFE_INTEGER, 0, 1, 'proposal', 3, 5]),
      at([7, 1, 1, 'proposal', 3, 5]),
      at([7, 0, 2, 'proposal', 3, 5]),
      at([7, 0, 1, 'sampler', 3, 5]),
      at([7, 0, 1, 'proposal', 4, 5]),
      at([7, 0, 1, 'proposal', -1, 5]),
      at([7, 0, 1, 'proposal', 3, 4]),
      at([7, 0, 1, 'proposal', 3, 6]),
    ];
    const all = [at(base), ...others];
    expect(new Set(all).size).toBe(all.length);
    for (const value of all) expect(value > 0 && value < 1).toBe(true);
  });

  it('gives the same number whatever was drawn before', () => {
    const random = uniforms(1, 0, 1, 'proposal');
    const forwards = Array.from({ length: 20 }, (_, draw) => random(2, draw));
    random(9, 9);
    const backwards = Array.from({ length: 20 }, (_, i) => uniforms(1, 0, 1, 'proposal')(2, 19 - i)).reverse();
    expect(backwards).toEqual(forwards);
  });

  it('spreads evenly over the unit interval (chi-square, 99.9%)', () => {
    const bins = new Array(100).fill(0);
    const draws = 200_000;
    const random = uniforms(42, 0, 1, 'proposal');
    for (let i = 0; i < draws; i++) bins[Math.floor(random(i % 64, Math.floor(i / 64)) * 100)]++;
    const chi = bins.reduce((sum, n) => sum + (n - draws / 100) ** 2 / (draws / 100), 0);
    expect(chi).toBeLessThan(148.2); // chi-square, 99 degrees of freedom
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstHitting } from '../../../../gpu-backend/denoise/samplers/first-hitting.ts';
import { confidences, run } from './context.ts';

describe('first-hitting', () => {
  it('keeps one token at each of as many steps as there are masks, and an even share where there are fewer', () => {
    expect(run(firstHitting(), new Array(9).fill(0.5), 9).map((kept) => kept.length)).toEqual(new Array(9).fill(1));
    expect(run(firstHitting(), new Array(10).fill(0.5), 4).map((kept) => kept.length)).toEqual([3, 3, 2, 2]);
  });

  it('does not look at confidence', () => {
    fc.assert(
      fc.property(confidences, fc.nat(), (values, seed) => {
        const none = values.map(() => 0);
        expect(run(firstHitting(), values, values.length, seed)).toEqual(
          run(firstHitting(), none, values.length, seed),
        );
      }),
    );
  });

  it('takes the masks in every order alike (chi-square over the 24 orders of 4, 99.9%)', () => {
    const counts = new Map<string, number>();
    const runs = 12_000;
    for (let seed = 0; seed < runs; seed++) {
      const order = run(firstHitting(), [0.1, 0.9, 0.5, 0.3], 4, seed).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const expected = runs / 24;
    const chi = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chi).toBeLessThan(49.73); // 23 degrees of freedom
  });
});

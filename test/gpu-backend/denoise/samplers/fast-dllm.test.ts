import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { confident, factor } from '../../../../gpu-backend/denoise/samplers/factor.ts';
import { threshold } from '../../../../gpu-backend/denoise/samplers/threshold.ts';
import { committed, confidences, contextOf, run } from './context.ts';

describe('factor', () => {
  const falling = confidences.map((values) => values.sort((a, b) => b - a));

  it('keeps the longest run of falling confidences with c_n >= 1 - f / (n + 1)', () => {
    fc.assert(
      fc.property(falling, fc.double({ min: 0.01, max: 10, noNaN: true }), (values, f) => {
        let plain = 0;
        for (let n = 1; n <= values.length; n++) {
          if (values.slice(0, n).every((c, j) => c >= 1 - f / (j + 2))) plain = n;
        }
        expect(confident(values, f)).toBe(plain);
      }),
    );
  });

  it('keeps the most confident one in any case', () => {
    expect(committed(factor(), contextOf([0.1, 0.3, 0.2]))).toEqual([1]);
    expect(committed(factor(), contextOf([0.99, 0.98, 0.97, 0.2]))).toEqual([0, 1, 2]);
  });
});

describe('threshold', () => {
  it('keeps all at least that confident, and the most confident one in any case, given a step for each mask', () => {
    fc.assert(
      fc.property(confidences, fc.double({ min: 0.05, max: 1, noNaN: true }), (values, tau) => {
        const context = contextOf(values, { stepsLeft: values.length + 1 });
        const top = values.indexOf(Math.max(...values));
        const plain = values.map((_, i) => i).filter((i) => values[i] >= tau || i === top);
        expect(committed(threshold(tau), context)).toEqual(plain);
      }),
    );
  });

  it('spreads what stays under the threshold over the steps there are', () => {
    const kept = run(threshold(0.9), new Array(20).fill(0.2), 8);
    expect(kept).toHaveLength(8);
    const sizes = kept.map((k) => k.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });

  it('has 0.9 as its default', () => {
    const context = contextOf([0.89, 0.9, 0.95], { stepsLeft: 10 });
    expect(committed(threshold(), context)).toEqual([1, 2]);
    expect(committed(threshold(0.5), context)).toEqual([0, 1, 2]);
  });
});

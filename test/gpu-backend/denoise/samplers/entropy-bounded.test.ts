import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bounded, entropyBounded } from '../../../../gpu-backend/denoise/samplers/entropy-bounded.ts';
import { type Measure, meter } from '../../../../gpu-backend/lattice/meter.ts';
import { committed, contextOf } from './context.ts';

describe('entropy-bounded', () => {
  it('keeps the largest set of least entropies whose sum less the greatest stays within gamma', () => {
    const entropies = fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(entropies, fc.double({ min: 0, max: 4, noNaN: true }), (values, gamma) => {
        const rising = values.sort((a, b) => a - b);
        let plain = 1;
        for (let k = 1; k <= rising.length; k++) {
          const sum = rising.slice(0, k - 1).reduce((total, h) => total + h, 0); // of the first k, less the k-th
          if (sum <= gamma) plain = k;
        }
        expect(bounded(rising, gamma)).toBe(plain);
      }),
    );
  });

  it('keeps certain positions all at once and one of uncertain ones', () => {
    const keep = (entropies: number[]) => {
      const context = contextOf(entropies.map(() => 0.5));
      const certainty = Float64Array.from(entropies, (h) => -h);
      return committed(entropyBounded(), { ...context, proposal: { ...context.proposal, certainty } });
    };
    expect(keep([2, 0, 0, 0.1, 3])).toEqual([0, 1, 2, 3]);
    expect(keep([2, 2.5, 1, 3])).toEqual([2]);
  });
});

describe('meter', () => {
  it('is most certain where one token has it all, least where all are alike, whatever the scale', () => {
    const measure = (name: Measure, weights: number[]) => {
      const result = meter(name);
      for (const w of weights) result.add(w);
      return result.value();
    };
    for (const scale of [1e-200, 1, 1e200]) {
      expect(measure('entropy', [0, scale, 0])).toBeCloseTo(0, 12);
      expect(measure('entropy', [scale, scale, scale, scale])).toBeCloseTo(-Math.log(4), 12);
      expect(measure('margin', [3 * scale, scale, 0])).toBeCloseTo(0.5, 12);
      expect(measure('margin', [scale, scale])).toBe(0);
    }
    expect(measure('entropy', [0.7, 0.2, 0.1])).toBeCloseTo(
      0.7 * Math.log(0.7) + 0.2 * Math.log(0.2) + 0.1 * Math.log(0.1),
      12,
    );
    expect(measure('margin', [])).toBe(0);
    expect(measure('entropy', [])).toBe(Number.NEGATIVE_INFINITY);
  });
});

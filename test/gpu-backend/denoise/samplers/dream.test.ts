import { describe, expect, it } from 'vitest';
import { dream, transfers } from '../../../../gpu-backend/denoise/samplers/dream.ts';
import { contextOf } from './context.ts';

describe('dream', () => {
  it('keeps as many as its schedule says: floor(masked (1 - s / t)) on linspace(1, 1e-3), all in the end', () => {
    for (const steps of [1, 2, 7, 32]) {
      const times = Array.from({ length: steps + 1 }, (_, k) => 1 + (k * (1e-3 - 1)) / steps);
      let masked = 57;
      for (let k = 0; k < steps; k++) {
        const plain = k < steps - 1 ? Math.floor(masked * (1 - times[k + 1] / times[k])) : masked;
        expect(Math.abs(transfers(masked, k, steps) - plain)).toBeLessThanOrEqual(0);
        masked -= plain;
      }
      expect(masked).toBe(0);
    }
  });

  it('ranks by confidence, by margin, or by least entropy first', () => {
    const context = contextOf([0.9, 0.2, 0.5], { blockSteps: 2, stepsLeft: 1 });
    const order = (by: 'confidence' | 'margin' | 'entropy', certainty?: number[]) => [
      ...dream(by).select({
        ...context,
        proposal: { ...context.proposal, certainty: certainty && Float64Array.from(certainty) },
      }).commit,
    ];
    expect(order('confidence')).toEqual([0, 2, 1]);
    expect(order('margin', [0.1, 0.3, 0.2])).toEqual([1, 2, 0]);
    // Entropies of 2, 0.5 and 1 nats: the certain one goes first.
    expect(order('entropy', [-2, -0.5, -1])).toEqual([1, 2, 0]);
    expect(order('entropy', [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, -1])).toEqual([2, 0, 1]);
    expect(() => order('margin')).toThrow('not measured');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lowConfidence } from '../../../../gpu-backend/denoise/samplers/low-confidence.ts';
import { committed, confidences, contextOf, run } from './context.ts';

/** LLaDA's get_num_transfer_tokens: floor each, the remainder to the first steps. */
function plainQuotas(masks: number, steps: number): number[] {
  const quotas = new Array(steps).fill(Math.floor(masks / steps));
  for (let i = 0; i < masks % steps; i++) quotas[i]++;
  return quotas;
}

describe('low-confidence', () => {
  it('shares the masks over the steps as LLaDA does', () => {
    fc.assert(
      fc.property(confidences, fc.integer({ min: 1, max: 50 }), (values, steps) => {
        const taken = run(lowConfidence(), values, steps).map((kept) => kept.length);
        expect(taken).toEqual(plainQuotas(values.length, steps).filter((quota) => quota > 0));
      }),
    );
  });

  it('keeps the most confident, of equal ones the leftmost', () => {
    expect(committed(lowConfidence(), contextOf([0.1, 0.9, 0.5, 0.5, 0.2, 0.3], { stepsLeft: 3 }))).toEqual([1, 2]);
    expect(committed(lowConfidence(), contextOf([0.1, Number.NaN, 0], { stepsLeft: 3 }))).toEqual([0]);
  });

  it('looks at its candidates only', () => {
    const context = contextOf([0.9, 0.1, 0.2], { candidates: Int32Array.of(1, 2), stepsLeft: 2 });
    expect(committed(lowConfidence(), context)).toEqual([2]);
  });
});

import { describe, expect, it } from 'vitest';
import { jointThreshold } from '../../../../gpu-backend/denoise/samplers/joint-threshold.ts';
import { committed, contextOf } from './context.ts';

describe('joint-threshold', () => {
  it('fills every mask whose token is surer than its threshold, and one in any case', () => {
    const steps = { blockSteps: 20, stepsLeft: 20 };
    expect(committed(jointThreshold(), contextOf([0.7, 0.71, 0.9], steps))).toEqual([1, 2]);
    expect(committed(jointThreshold(0.95), contextOf([0.7, 0.71, 0.9], steps))).toEqual([2]);
  });

  it('replaces kept tokens of which the model doubts more than its threshold', () => {
    const doubts = { kept: Int32Array.of(4, 6, 9), doubt: Float64Array.of(0.5, 0.51, 0) };
    expect([...jointThreshold().edits!(doubts)]).toEqual([6]);
    expect([...jointThreshold(0.7, 0).edits!(doubts)]).toEqual([4, 6]); // never where the likeliest stands
  });
});

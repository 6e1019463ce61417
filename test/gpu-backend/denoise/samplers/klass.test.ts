import { describe, expect, it } from 'vitest';
import { klass } from '../../../../gpu-backend/denoise/samplers/klass.ts';
import { committed, contextOf } from './context.ts';

const drift = (...values: number[]) => ({ drift: Float64Array.from(values), blockSteps: 20, stepsLeft: 20 });

describe('klass', () => {
  it('keeps every token that is confident and stands still, however many', () => {
    const context = contextOf([0.95, 0.95, 0.8, 0.99], drift(0.001, 0.02, 0, 0.009));
    expect(committed(klass(), context)).toEqual([0, 3]);
    expect(committed(klass(0.7, 0.05), context)).toEqual([0, 1, 2, 3]);
  });

  it('keeps the quota, by confidence, where none is ready', () => {
    const context = contextOf([0.95, 0.97, 0.8, 0.6], drift(1, Number.POSITIVE_INFINITY, 0, 0));
    expect(committed(klass(), context)).toEqual([1]);
    expect(committed(klass(), { ...context, blockSteps: 2, stepsLeft: 2 })).toEqual([0, 1]);
  });

  it('never leaves more than the steps behind can take', () => {
    const context = contextOf([0.95, 0.2, 0.3, 0.4, 0.5, 0.6], drift(0, 0, 0, 0, 0, 0));
    expect(committed(klass(), { ...context, blockSteps: 2, stepsLeft: 2 })).toEqual([0, 4, 5]);
    expect(committed(klass(), { ...context, stepsLeft: 1 })).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('has to be told the drift', () => {
    expect(() => klass().select(contextOf([0.5]))).toThrow('not handed in');
  });
});

import { describe, expect, it } from 'vitest';
import { uniforms } from '../../../../gpu-backend/denoise/random.ts';
import { dream } from '../../../../gpu-backend/denoise/samplers/dream.ts';
import { lowConfidence } from '../../../../gpu-backend/denoise/samplers/low-confidence.ts';
import type { Ranking } from '../../../../gpu-backend/denoise/samplers/sampler.ts';
import { committed, contextOf } from './context.ts';

describe('position temperature', () => {
  it('draws without replacement by softmax(confidence / temperature), as multinomial does (chi-square, 99.9%)', () => {
    const confidence = [0.9, 0.2, 0.5];
    const temperature = 0.4;
    const weights = confidence.map((c) => Math.exp(c / temperature));
    const sum = weights.reduce((a, b) => a + b);
    const counts = new Map<string, number>();
    const draws = 20_000;
    for (let step = 1; step <= draws; step++) {
      const context = contextOf(confidence, { blockSteps: 1, stepsLeft: 1, random: uniforms(4, 0, step, 'sampler') });
      const order = lowConfidence({ positionTemperature: temperature }).select(context).commit.join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    let chi = 0;
    for (const [i, j, k] of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const expected = (draws * weights[i] * weights[j]) / (sum * (sum - weights[i]));
      chi += ((counts.get([i, j, k].join()) ?? 0) - expected) ** 2 / expected;
    }
    expect(chi).toBeLessThan(20.52); // 5 degrees of freedom
  });

  it('keeps as many tokens as without, and the same ones the colder it is', () => {
    const confidence = [0.1, 0.9, 0.5, 0.7, 0.2, 0.3, 0.8, 0.6];
    for (const make of [lowConfidence, (ranking?: Ranking) => dream('confidence', ranking)]) {
      for (let step = 1; step <= 50; step++) {
        const context = contextOf(confidence, { stepsLeft: 2, random: uniforms(5, 0, step, 'sampler') });
        const plain = committed(make(), context);
        expect(committed(make({ positionTemperature: 1e-4 }), context)).toEqual(plain);
        expect(committed(make({ positionTemperature: 2 }), context)).toHaveLength(plain.length);
      }
    }
  });

  it('takes infinite uncertainty and NaN without harm', () => {
    const context = contextOf([0.5, Number.NaN, 0.5], { blockSteps: 1, stepsLeft: 1 });
    const certainty = Float64Array.of(Number.NEGATIVE_INFINITY, -1, Number.NEGATIVE_INFINITY);
    const measured = { ...context, proposal: { ...context.proposal, certainty } };
    expect(dream('entropy', { positionTemperature: 0.5 }).select(measured).commit[0]).toBe(1);
    expect(committed(lowConfidence({ positionTemperature: 0.5 }), context)).toEqual([0, 1, 2]);
    expect(() => dream('margin', { positionTemperature: 0.5 }).select(context)).toThrow('not measured');
  });
});

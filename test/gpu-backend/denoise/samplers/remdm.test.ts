import { describe, expect, it } from 'vitest';
import { uniforms } from '../../../../gpu-backend/denoise/random.ts';
import { unmaskProbability } from '../../../../gpu-backend/denoise/samplers/ancestral.ts';
import { doubtShares, rates, remdm } from '../../../../gpu-backend/denoise/samplers/remdm.ts';
import { contextOf } from './context.ts';

describe('remdm', () => {
  it('has the rates of the paper: sigma = min(eta, (1 - a_s) / a_t), unmask (a_s - (1 - sigma) a_t) / (1 - a_t)', () => {
    const n = 20;
    for (const eta of [0, 0.02, 0.5, 1]) {
      for (let k = 0; k < n; k++) {
        const alphaT = k / n;
        const alphaS = (k + 1) / n;
        const sigma = alphaT === 0 ? 0 : Math.min(eta, (1 - alphaS) / alphaT);
        const { remask, unmask } = rates(k, n, { eta });
        expect(remask).toBeCloseTo(sigma, 12);
        expect(unmask).toBeCloseTo((alphaS - (1 - sigma) * alphaT) / (1 - alphaT), 9);
        expect(unmask).toBeGreaterThanOrEqual(-1e-12);
        expect(unmask).toBeLessThanOrEqual(1 + 1e-12);
      }
    }
  });

  it('leaves the share of masks that the schedule asks for, though it masks again, and nothing in the end', () => {
    const size = 4_000;
    const steps = 10;
    const masked = new Set(Array.from({ length: size }, (_, i) => i));
    let again = 0;
    for (let step = 1; step <= steps; step++) {
      const left = [...masked].sort((a, b) => a - b);
      const positions = Int32Array.from(left);
      const { commit, remask } = remdm({ eta: 0.2 }).select({
        proposal: { positions, tokens: positions, confidence: new Float64Array(left.length) },
        candidates: Int32Array.from(left, (_, i) => i),
        kept: Int32Array.from({ length: size }, (_, i) => i).filter((i) => !masked.has(i)),
        blockSteps: steps,
        stepsLeft: steps - step + 1,
        random: uniforms(3, 0, step, 'sampler'),
      });
      for (const index of commit) masked.delete(left[index]);
      for (const position of remask) masked.add(position);
      again += remask.length;
      expect(Math.abs(masked.size / size - (1 - step / steps))).toBeLessThan(0.04); // 5 standard deviations
    }
    expect(masked.size).toBe(0);
    expect(again).toBeGreaterThan(size / 2);
  });

  it('is the ancestral sampler where nothing is masked again', () => {
    for (let k = 0; k < 8; k++) expect(rates(k, 8, { eta: 0 }).unmask).toBeCloseTo(unmaskProbability(k, 8), 3);
  });

  it.each([
    ['cap', { eta: 0.3 }],
    ['rescale', { remask: 'rescale', eta: 0.7 }],
    ['loop', { remask: 'loop' }],
    ['loop, shorter', { remask: 'loop', eta: 0.1, t_on: 0.8, t_off: 0, alpha_on: 0.5 }],
  ] as const)('sums to its schedule at every step, and to a whole text in the end: %s', (_, settings) => {
    for (const n of [1, 7, 20, 64]) {
      const {
        t_on = 0.55,
        t_off = 0.05,
        alpha_on = 0.9,
      } = settings as { t_on?: number; t_off?: number; alpha_on?: number };
      // The loop's schedule goes through these points; all others are straight.
      const alphaAt = (t: number) => {
        if (!('remask' in settings) || settings.remask !== 'loop') return 1 - t;
        if (t > t_on) return (alpha_on * (1 - t)) / (1 - t_on);
        return t >= t_off && t > 0 ? alpha_on : 1 - (t / t_off || 0) * (1 - alpha_on);
      };
      let filled = 0;
      for (let k = 0; k < n; k++) {
        const { remask, unmask } = rates(k, n, settings);
        expect(remask >= 0 && remask <= 1 && unmask >= -1e-12 && unmask <= 1 + 1e-12).toBe(true);
        filled = filled * (1 - remask) + (1 - filled) * unmask;
        expect(filled).toBeCloseTo(alphaAt(1 - (k + 1) / n), 9);
      }
      expect(filled).toBeCloseTo(1, 9);
    }
  });

  it('masks again in its loop between t_on and t_off only, and then holds the share that is filled', () => {
    const phases = Array.from({ length: 100 }, (_, k) => rates(k, 100, { remask: 'loop' }));
    expect(phases.slice(0, 45).every(({ remask }) => remask === 0)).toBe(true);
    expect(phases.slice(46, 94).every(({ remask }) => remask === 0.02)).toBe(true);
    expect(phases.slice(46, 94).every(({ unmask }) => Math.abs(unmask - (0.02 * 0.9) / 0.1) < 1e-9)).toBe(true);
    expect(phases.slice(96).every(({ remask }) => remask === 0)).toBe(true);
  });

  it('masks again what it was least sure of first where that is asked for: softmax(-confidence) of the kept tokens', () => {
    const shares = doubtShares(Float64Array.of(1, 0, 0.5));
    const weights = [Math.exp(-1), 1, Math.exp(-0.5)];
    const sum = weights.reduce((a, b) => a + b);
    [...shares].forEach((share, i) => {
      expect(share).toBeCloseTo(weights[i] / sum, 12);
    });
    expect(doubtShares(new Float64Array(0))).toHaveLength(0);
    expect(() => remdm({ remask: 'conf' }).select(contextOf([0.5]))).toThrow('not handed in');
    const positions = Int32Array.from({ length: 2_000 }, (_, i) => i);
    const context = contextOf([0.5], {
      kept: positions,
      blockSteps: 10,
      stepsLeft: 5,
      keptConfidence: Float64Array.from(positions, (i) => i % 2),
    });
    let again: number[] = [];
    for (let step = 1; step <= 600; step++) {
      again = [
        ...again,
        ...remdm({ remask: 'conf' }).select({ ...context, random: uniforms(7, 0, step, 'sampler') }).remask,
      ];
    }
    // sigma_max = (1 - 0.6) / 0.5 tokens a step, e times as many of confidence 0 as of confidence 1; within 5 standard deviations.
    expect(Math.abs(again.length / 600 - 0.8)).toBeLessThan(0.19);
    const unsure = again.filter((i) => i % 2 === 0).length / again.length;
    expect(Math.abs(unsure - Math.E / (1 + Math.E))).toBeLessThan(0.11);
  });
});

import { describe, expect, it } from 'vitest';
import { uniforms } from '../../../../gpu-backend/denoise/random.ts';
import { ancestral, unmaskProbability } from '../../../../gpu-backend/denoise/samplers/ancestral.ts';
import { committed, contextOf, run } from './context.ts';

describe('ancestral', () => {
  it('unmasks with (t - s) / t on the log-linear schedule', () => {
    const n = 10;
    const dt = (1 - 1e-5) / n; // mdlm, diffusion.py: timesteps = linspace(1, eps, n + 1), dt = (1 - eps) / n
    for (let k = 0; k < n; k++) {
      const t = 1 - k * dt;
      expect(unmaskProbability(k, n)).toBeCloseTo((t - (t - dt)) / t, 9);
    }
  });

  it('leaves a share of t masked at time t, whatever the confidence, and all filled in the end', () => {
    const masks = 4_000;
    const kept = run(
      ancestral(),
      Array.from({ length: masks }, (_, i) => (i % 2 === 0 ? 0.99 : 0.01)),
      8,
    );
    let left = masks;
    kept.forEach((indices, k) => {
      left -= indices.length;
      expect(Math.abs(left / masks - (1 - (k + 1) / 8))).toBeLessThan(0.04); // 5 standard deviations
    });
    const even = kept.flat().filter((i) => i % 2 === 0);
    expect(kept).toHaveLength(8);
    expect(even).toHaveLength(masks / 2);
    const evenFirst = kept
      .slice(0, 4)
      .flat()
      .filter((i) => i % 2 === 0).length;
    const first = kept.slice(0, 4).flat().length;
    expect(Math.abs(evenFirst / first - 0.5)).toBeLessThan(0.06);
  });

  it('keeps a position by the random number of that position, so that neighbours do not matter', () => {
    const random = uniforms(9, 0, 3, 'sampler');
    const context = contextOf([0.5, 0.5, 0.5, 0.5, 0.5, 0.5], { blockSteps: 6, stepsLeft: 4, random });
    const plain = [0, 1, 2, 3, 4, 5].filter((i) => random(10 + i, 0) < unmaskProbability(2, 6));
    expect(committed(ancestral(), context)).toEqual(plain);
    const some = { ...context, candidates: Int32Array.of(1, 4) };
    expect(committed(ancestral(), some)).toEqual(plain.filter((i) => i === 1 || i === 4));
  });

  it('may keep nothing, and keeps all at the last step', () => {
    const sizes = Array.from({ length: 50 }, (_, seed) => run(ancestral(), [0.5, 0.5], 32, seed).map((k) => k.length));
    expect(sizes.flat()).toContain(0);
    expect(committed(ancestral(), contextOf([0.1, 0.2], { stepsLeft: 1 }))).toEqual([0, 1]);
  });
});

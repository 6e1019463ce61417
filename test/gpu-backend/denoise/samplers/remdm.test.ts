import { describe, expect, it } from 'vitest';
import { uniforms } from '../../../../gpu-backend/denoise/random.ts';
import { unmaskProbability } from '../../../../gpu-backend/denoise/samplers/ancestral.ts';
import { doubtShares, rates, remdm } from '../../../../gpu-backend/denoise/samplers/remdm.ts';

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
});

import { describe, expect, it } from 'vitest';
import { drawToken, gumbel, gumbelMax, likeliestToken } from '../../../gpu-backend/denoise/gumbel.ts';
import { uniforms } from '../../../gpu-backend/denoise/random.ts';

/** Chi-square statistic of counts against probabilities. */
function chiSquare(counts: readonly number[], probabilities: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b);
  return counts.reduce((sum, n, i) => {
    if (probabilities[i] === 0) return n === 0 ? sum : Number.POSITIVE_INFINITY;
    return sum + (n - total * probabilities[i]) ** 2 / (total * probabilities[i]);
  }, 0);
}

describe('gumbel', () => {
  it('has the mean and variance of the standard Gumbel law', () => {
    const random = uniforms(3, 0, 1, 'proposal');
    const noise = Array.from({ length: 100_000 }, (_, draw) => gumbel(random(0, draw)));
    const mean = noise.reduce((a, b) => a + b) / noise.length;
    const variance = noise.reduce((sum, g) => sum + (g - mean) ** 2, 0) / noise.length;
    expect(mean).toBeCloseTo(0.5772, 1); // Euler-Mascheroni
    expect(variance).toBeCloseTo(Math.PI ** 2 / 6, 1);
  });

  it('reaches the tail that float32 uniform numbers cut off', () => {
    expect(gumbel(1 - 2 ** -53)).toBeGreaterThan(36);
    expect(gumbel(Math.fround(1 - 2 ** -24))).toBeLessThan(17);
  });
});

describe('gumbelMax', () => {
  it('picks the largest of log w + G, written out', () => {
    const weights = [0.5, 0, 3, 1e-9, 2];
    for (let trial = 0; trial < 500; trial++) {
      const random = uniforms(trial, 0, 1, 'proposal');
      const scores = weights.map((w, i) => Math.log(w) + gumbel(random(0, i)));
      const plain = scores.indexOf(Math.max(...scores));
      expect(
        gumbelMax(
          0,
          5,
          (i) => weights[i],
          (i) => random(0, i),
        ),
      ).toBe(plain);
    }
  });

  it('is -1 when nothing can be drawn', () => {
    expect(
      gumbelMax(
        0,
        3,
        () => 0,
        () => 0.5,
      ),
    ).toBe(-1);
    expect(
      gumbelMax(
        0,
        3,
        () => Number.NaN,
        () => 0.5,
      ),
    ).toBe(-1);
  });
});

describe('drawToken', () => {
  it('draws by the row, over several groups of tokens, never a forbidden one (chi-square, 99.9%)', () => {
    const size = 200;
    const row = Float32Array.from({ length: size }, (_, i) => (i % 7 === 0 ? 0.2 : 0.01 + (i % 5) * 0.02));
    const allowed = Uint8Array.from({ length: size }, (_, i) => (i % 3 === 0 ? 0 : 1));
    const weights = [...row].map((p, i) => p * allowed[i]);
    const sum = weights.reduce((a, b) => a + b);
    const counts = new Array(size).fill(0);
    for (let step = 1; step <= 60_000; step++) {
      const random = uniforms(11, 0, step, 'proposal');
      counts[drawToken(row, allowed, (draw) => random(0, draw))]++;
    }
    const degrees = allowed.reduce((a, b) => a + b) - 1;
    const bound = degrees * (1 - 2 / (9 * degrees) + 3.09 * Math.sqrt(2 / (9 * degrees))) ** 3; // Wilson-Hilferty, 99.9%
    expect(
      chiSquare(
        counts,
        weights.map((w) => w / sum),
      ),
    ).toBeLessThan(bound);
  });

  it('falls back to an allowed token when every weight was lost', () => {
    const allowed = Uint8Array.of(0, 0, 1, 1);
    expect(drawToken(new Float32Array(4), allowed, () => 0.5)).toBe(2);
    expect(drawToken(Float32Array.of(1, 1, Number.NaN, Number.NaN), allowed, () => 0.5)).toBe(2);
  });
});

describe('likeliestToken', () => {
  it('is the lowest id of the likeliest allowed tokens', () => {
    expect(likeliestToken(Float32Array.of(0.9, 0.2, 0.4, 0.4), Uint8Array.of(0, 1, 1, 1))).toBe(2);
    expect(likeliestToken(Float32Array.of(Number.NaN, Number.NaN), Uint8Array.of(1, 1))).toBe(0);
    expect(likeliestToken(Float32Array.of(Number.NaN, 0.1), Uint8Array.of(1, 1))).toBe(1);
  });
});

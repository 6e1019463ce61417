import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { uniforms } from '../../../../gpu-backend/denoise/random.ts';
import { ancestral, unmaskProbability } from '../../../../gpu-backend/denoise/samplers/ancestral.ts';
import { chooseSampler } from '../../../../gpu-backend/denoise/samplers/choose.ts';
import { dream, transfers } from '../../../../gpu-backend/denoise/samplers/dream.ts';
import { bounded, entropyBounded } from '../../../../gpu-backend/denoise/samplers/entropy-bounded.ts';
import { confident, factor } from '../../../../gpu-backend/denoise/samplers/factor.ts';
import { lowConfidence } from '../../../../gpu-backend/denoise/samplers/low-confidence.ts';
import { rates, remdm } from '../../../../gpu-backend/denoise/samplers/remdm.ts';
import type { Sampler, StepContext } from '../../../../gpu-backend/denoise/samplers/sampler.ts';
import { threshold } from '../../../../gpu-backend/denoise/samplers/threshold.ts';
import { type Measure, meter } from '../../../../gpu-backend/lattice/spread.ts';
import { SAMPLERS } from '../../../../shared/contract/generation.ts';
import { problemOf } from '../../../problem-of.ts';

/** The context of a proposal at positions 10, 11, ... */
function contextOf(confidence: readonly number[], changes: Partial<StepContext> = {}): StepContext {
  const positions = Int32Array.from(confidence, (_, i) => 10 + i);
  return {
    proposal: { positions, tokens: positions, confidence: Float64Array.from(confidence) },
    candidates: Int32Array.from(confidence, (_, i) => i),
    kept: new Int32Array(0),
    blockSteps: 4,
    stepsLeft: 4,
    random: uniforms(1, 0, 1, 'sampler'),
    ...changes,
  };
}

const committed = (sampler: Sampler, context: StepContext) => [...sampler.select(context).commit].sort((a, b) => a - b);

/** Runs a sampler over fixed confidences until nothing is left: the indices that each step kept. */
function run(sampler: Sampler, confidence: readonly number[], steps: number, seed = 1): number[][] {
  let left = confidence.map((_, i) => i);
  const kept: number[][] = [];
  for (let step = 1; left.length > 0; step++) {
    const context = contextOf(
      left.map((i) => confidence[i]),
      { blockSteps: steps, stepsLeft: steps - step + 1, random: uniforms(seed, 0, step, 'sampler') },
    );
    const commit = committed(sampler, context);
    kept.push(commit.map((i) => left[i]));
    left = left.filter((_, i) => !commit.includes(i));
  }
  return kept;
}

const confidences = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 });

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

describe('remdm', () => {
  it('has the rates of the paper: sigma = min(eta, (1 - a_s) / a_t), unmask (a_s - (1 - sigma) a_t) / (1 - a_t)', () => {
    const n = 20;
    for (const eta of [0, 0.02, 0.5, 1]) {
      for (let k = 0; k < n; k++) {
        const alphaT = k / n;
        const alphaS = (k + 1) / n;
        const sigma = alphaT === 0 ? 0 : Math.min(eta, (1 - alphaS) / alphaT);
        const { remask, unmask } = rates(k, n, eta);
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
      const { commit, remask } = remdm(0.2).select({
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
    for (let k = 0; k < 8; k++) expect(rates(k, 8, 0).unmask).toBeCloseTo(unmaskProbability(k, 8), 3);
  });
});

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

describe('factor', () => {
  const falling = confidences.map((values) => values.sort((a, b) => b - a));

  it('keeps the longest run of falling confidences with c_n >= 1 - f / (n + 1)', () => {
    fc.assert(
      fc.property(falling, fc.double({ min: 0.01, max: 10, noNaN: true }), (values, f) => {
        let plain = 0;
        for (let n = 1; n <= values.length; n++) {
          if (values.slice(0, n).every((c, j) => c >= 1 - f / (j + 2))) plain = n;
        }
        expect(confident(values, f)).toBe(plain);
      }),
    );
  });

  it('keeps the most confident one in any case', () => {
    expect(committed(factor(), contextOf([0.1, 0.3, 0.2]))).toEqual([1]);
    expect(committed(factor(), contextOf([0.99, 0.98, 0.97, 0.2]))).toEqual([0, 1, 2]);
  });
});

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

describe('threshold', () => {
  it('keeps all at least that confident, and the most confident one in any case, given a step for each mask', () => {
    fc.assert(
      fc.property(confidences, fc.double({ min: 0.05, max: 1, noNaN: true }), (values, tau) => {
        const context = contextOf(values, { stepsLeft: values.length + 1 });
        const top = values.indexOf(Math.max(...values));
        const plain = values.map((_, i) => i).filter((i) => values[i] >= tau || i === top);
        expect(committed(threshold(tau), context)).toEqual(plain);
      }),
    );
  });

  it('spreads what stays under the threshold over the steps there are', () => {
    const kept = run(threshold(0.9), new Array(20).fill(0.2), 8);
    expect(kept).toHaveLength(8);
    const sizes = kept.map((k) => k.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });

  it('has 0.9 as its default', () => {
    const context = contextOf([0.89, 0.9, 0.95], { stepsLeft: 10 });
    expect(committed(chooseSampler({ sampler: 'threshold' }), context)).toEqual([1, 2]);
    expect(committed(chooseSampler({ sampler: 'threshold', threshold: 0.5 }), context)).toEqual([0, 1, 2]);
  });
});

describe('chooseSampler', () => {
  it('takes low-confidence where nothing is said', () => {
    expect(chooseSampler().name).toBe('low-confidence');
    expect(chooseSampler({ sampler: 'ancestral' }).name).toBe('ancestral');
  });

  it('knows every sampler of the contract by its name', () => {
    for (const sampler of SAMPLERS) expect(chooseSampler({ sampler }).name).toBe(sampler);
  });

  it.each([
    ['threshold', 'threshold'],
    ['factor', 'factor'],
    ['gamma', 'entropy-bounded'],
    ['eta', 'remdm'],
  ] as const)('refuses %s for any sampler but %s', (setting, owner) => {
    for (const sampler of SAMPLERS) {
      const choose = () => chooseSampler({ sampler, [setting]: 0.5 });
      if (sampler === owner) expect(choose().name).toBe(owner);
      else expect(problemOf(choose)).toMatchObject({ code: 'invalid_request', pointer: `/diffusion/${setting}` });
    }
    expect(problemOf(() => chooseSampler({ [setting]: 0.5 }))).toMatchObject({ pointer: `/diffusion/${setting}` });
  });
});

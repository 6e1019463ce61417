/**
 * Samplers that only keep, each against a plain reference from its paper's pseudo-code: the same tokens at the same steps for the same
 * random numbers, over whole texts, in blocks and without.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Diffusion } from '../../../../shared/contract/sampling.ts';
import { type Kept, type Place, realRun, type SlowStep, slowRun, taskOf, trajectories } from './slow-loop.ts';

type Pick = (step: SlowStep) => Kept;

const positions = (places: readonly Place[]) => places.map(({ position }) => position);
/** The best first; of equal ones the leftmost. */
const falling = (places: readonly Place[], value: (place: Place) => number) =>
  [...places].sort((a, b) => value(b) - value(a) || a.position - b.position);
const entropy = ({ p }: Place) => -p.reduce((sum, value) => sum + value * Math.log(value), 0);
const margin = ({ p }: Place) => {
  const [first, second] = [...p].sort((a, b) => b - a);
  return first - second;
};
const gumbelOf = (uniform: number) => -Math.log(-Math.log(uniform));
/** Steps are a ceiling: the even share that samplers keep which keep what they are sure of. */
const share = ({ places, left }: SlowStep) =>
  left === 1 ? places.length : Math.max(1, Math.floor(places.length / left));

/** LLaDA, generate.py: get_num_transfer_tokens once for each block, then the top of each step's number by confidence. */
function llada(noise = 0): () => Pick {
  return () => {
    let block: SlowStep['block'];
    let quotas: number[] = [];
    return (step) => {
      if (step.block !== block) {
        block = step.block;
        const masks = step.places.length;
        quotas = Array.from(
          { length: step.left },
          (_, i) => Math.floor(masks / step.left) + (i < masks % step.left ? 1 : 0),
        );
      }
      const value = ({ c, position }: Place) => (noise === 0 ? c : c / noise + gumbelOf(step.u(position, 0)));
      return { commit: positions(falling(step.places, value)).slice(0, quotas.shift()!) };
    };
  };
}

/** MDLM, ddpm: x ~ Cat(p (t - s), mask: s), which unmasks with probability (t - s) / t; noise removal at the end. */
const mdlm =
  (): Pick =>
  ({ places, k, n, left, u }) => {
    const eps = 1e-5;
    const t = 1 - (k * (1 - eps)) / n;
    const s = t - (1 - eps) / n;
    return { commit: positions(places.filter(({ position }) => left === 1 || u(position, 0) < (t - s) / t)) };
  };

/** First-hitting, one token at a time: whichever of the masked ones comes first; here by the least of their uniform numbers. */
const firstHitting =
  (): Pick =>
  ({ places, left, u }) => {
    const masked = positions(places);
    const commit: number[] = [];
    const hits = Math.floor(masked.length / left) + (masked.length % left > 0 ? 1 : 0);
    while (commit.length < hits) {
      const least = Math.min(...masked.map((position) => u(position, 0)));
      commit.push(
        ...masked.splice(
          masked.findIndex((position) => u(position, 0) === least),
          1,
        ),
      );
    }
    return { commit };
  };

/** Dream, generation_utils.py: number by the schedule, top-k by confidence. */
const dream =
  (confidence: (place: Place) => number, noise = 0) =>
  (): Pick =>
  ({ places, k, n, u }) => {
    const ts = Array.from({ length: n + 1 }, (_, i) => 1 - (i * (1 - 1e-3)) / n);
    const number = k < n - 1 ? Math.floor(places.length * (1 - ts[k + 1] / ts[k])) : places.length;
    const value = (place: Place) =>
      noise === 0 ? confidence(place) : confidence(place) / noise + gumbelOf(u(place.position, 0));
    return { commit: positions(falling(places, value)).slice(0, number) };
  };

/** Fast-dLLM: {c >= tau} and the most confident. */
const threshold = (tau: number) => (): Pick => (step) => {
  const order = falling(step.places, ({ c }) => c);
  return { commit: positions(order.filter(({ c }, i) => c >= tau || i < share(step))) };
};

/** Fast-dLLM: the largest m with c_(j) >= 1 - f / (j + 1) for all j <= m. */
const factor = (f: number) => (): Pick => (step) => {
  const order = falling(step.places, ({ c }) => c);
  let m = 0;
  for (let j = 1; j <= order.length && order[j - 1].c >= 1 - f / (j + 1); j++) m = j;
  return { commit: positions(order).slice(0, Math.max(m, share(step))) };
};

/** EB-Sampler: the largest m with sum_{j<=m} H_(j) - H_(m) <= gamma, entropies rising. */
const entropyBounded = (gamma: number) => (): Pick => (step) => {
  const order = falling(step.places, (place) => -entropy(place));
  let m = 1;
  for (let k = 1; k <= order.length; k++) {
    const all = order.slice(0, k).map(entropy);
    if (all.slice(0, -1).reduce((a, b) => a + b, 0) <= gamma) m = k;
  }
  return { commit: positions(order).slice(0, Math.max(m, share(step))) };
};

/** KLASS: c > tau and the last two KL(now || before) < eps; else LLaDA's number by confidence. */
const klass = (tau: number, eps: number) => (): Pick => {
  let before = new Map<number, Float32Array>();
  const history = new Map<number, number[]>();
  return (step) => {
    for (const { position, row } of step.everywhere) {
      const other = before.get(position);
      if (other === undefined) continue;
      let kl = 0;
      row.forEach((p, token) => {
        kl += p * (Math.log(p + 1e-12) - Math.log(other[token] + 1e-12));
      });
      history.set(position, [...(history.get(position) ?? []), kl]);
    }
    before = new Map(step.everywhere.map(({ position, row }) => [position, row]));
    const stable = ({ position }: Place) => {
      const last = (history.get(position) ?? []).slice(-2);
      return last.length === 2 && last.every((kl) => kl < eps);
    };
    const order = falling(step.places, ({ c }) => c);
    const ready = order.filter((place) => place.c > tau && stable(place));
    if (ready.length === 0) return { commit: positions(order).slice(0, Math.ceil(order.length / step.left)) };
    const others = order.filter((place) => !ready.includes(place)).slice(0, Math.max(0, share(step) - ready.length));
    return { commit: positions([...ready, ...others]) };
  };
};

const cases: [string, Diffusion, () => Pick][] = [
  ['low-confidence', { sampler: 'low-confidence' }, llada()],
  ['low-confidence with noise', { sampler: 'low-confidence', position_temperature: 0.3 }, llada(0.3)],
  ['ancestral', { sampler: 'ancestral' }, mdlm],
  ['first-hitting', { sampler: 'first-hitting' }, firstHitting],
  ['confidence', { sampler: 'confidence' }, dream(({ c }) => c)],
  ['margin', { sampler: 'margin' }, dream(margin)],
  ['entropy', { sampler: 'entropy' }, dream((place) => -entropy(place))],
  ['entropy with noise', { sampler: 'entropy', position_temperature: 0.5 }, dream((place) => -entropy(place), 0.5)],
  ['threshold', { sampler: 'threshold' }, threshold(0.9)],
  ['threshold 0.4', { sampler: 'threshold', threshold: 0.4 }, threshold(0.4)],
  ['factor', { sampler: 'factor' }, factor(1)],
  ['factor 2', { sampler: 'factor', factor: 2 }, factor(2)],
  ['entropy-bounded', { sampler: 'entropy-bounded' }, entropyBounded(0.15)],
  ['entropy-bounded 1.5', { sampler: 'entropy-bounded', gamma: 1.5 }, entropyBounded(1.5)],
  ['klass', { sampler: 'klass' }, klass(0.9, 0.01)],
  ['klass 0.3, 0.2', { sampler: 'klass', threshold: 0.3, kl_threshold: 0.2 }, klass(0.3, 0.2)],
];

describe('the trajectory of a sampler is that of its paper', () => {
  it.each(cases)('%s', async (_, settings, reference) => {
    await fc.assert(
      fc.asyncProperty(trajectories, async ({ steps, block, ...request }) => {
        const task = taskOf({ ...request, diffusion: { ...settings, steps, block } });
        expect(await realRun(task)).toEqual(slowRun(task, reference()));
      }),
      { numRuns: 40 },
    );
  });

  it('holds for texts on which KLASS waits and does not wait', () => {
    const kept = [1, 2, 3, 4].map((seed) => {
      const task = taskOf({
        seed,
        template: '{{a:tokens=12}}',
        temperature: 0,
        diffusion: { sampler: 'klass', threshold: 0.3, kl_threshold: 0.2 },
      });
      return slowRun(task, klass(0.3, 0.2)()).map(({ committed }) => Object.keys(committed).length);
    });
    for (const counts of kept) {
      expect(counts.slice(0, 2)).toEqual([1, 1]); // no two comparisons yet: the quota
      expect(Math.max(...counts)).toBeGreaterThan(1);
    }
  });
});

/**
 * MDLM's ancestral sampler (Sahoo et al., arXiv 2406.07524, `ddpm_cache`) on the log-linear schedule, mask rate m(t) = t.
 *
 * Going from t to s, each masked position unmasks with probability (t - s) / t, whatever its confidence. A step may keep
 * nothing; the loop then needs no new model evaluation, since the canvas, all that the model sees, is as it was.
 */
import { NOTHING, type Sampler } from './sampler.ts';

// Where the schedule ends; MDLM's sampling_eps.
const EPSILON = 1e-5;

/** Probability that a masked position unmasks at 0-based step k of n: t = 1 - k (1 - eps) / n, t - s = (1 - eps) / n. */
export function unmaskProbability(k: number, n: number): number {
  const t = 1 - (k * (1 - EPSILON)) / n;
  return (1 - EPSILON) / n / t;
}

export function ancestral(): Sampler {
  return {
    name: 'ancestral',
    alwaysCommits: false,
    select({ proposal, candidates, blockSteps, stepsLeft, random }) {
      // The last step keeps all: MDLM's noise removal.
      if (stepsLeft === 1) return { commit: candidates, remask: NOTHING };
      // A block taken up early has more steps left than planned; its schedule then starts with its first planned step.
      const probability = unmaskProbability(Math.max(blockSteps - stepsLeft, 0), blockSteps);
      return {
        commit: candidates.filter((index) => random(proposal.positions[index], 0) < probability),
        remask: NOTHING,
      };
    },
  };
}

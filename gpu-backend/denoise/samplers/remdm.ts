/**
 * ReMDM's capped re-masking (Wang et al., arXiv 2503.00307, section 4.1) on the log-linear schedule, mask rate m(t) = t: each step,
 * tokens that were kept are masked again with a small probability, so that early mistakes meet the text that came after them.
 */
import { NOTHING, type Sampler } from './sampler.ts';

/** The paper's cap on the probability that a kept token is masked again at a step. */
export const DEFAULT_ETA = 0.02;

/** What happens at 0-based step k of n. */
export interface Rates {
  /** Probability that a kept token is masked again: min(eta, s / (1 - t)), the most that leaves the marginals as they are. */
  readonly remask: number;
  /** Probability that a mask is kept as proposed: ((1 - s) - (1 - remask) (1 - t)) / t. */
  readonly unmask: number;
}

export function rates(k: number, n: number, eta: number): Rates {
  const t = 1 - k / n;
  const s = 1 - (k + 1) / n;
  const remask = t === 1 ? 0 : Math.min(eta, s / (1 - t));
  return { remask, unmask: (1 - s - (1 - remask) * (1 - t)) / t };
}

export function remdm(eta: number = DEFAULT_ETA): Sampler {
  return {
    name: 'remdm',
    alwaysCommits: false,
    select({ proposal, candidates, kept, blockSteps, stepsLeft, random }) {
      if (stepsLeft === 1) return { commit: candidates, remask: NOTHING };
      const { remask, unmask } = rates(Math.max(blockSteps - stepsLeft, 0), blockSteps, eta);
      return {
        commit: candidates.filter((index) => random(proposal.positions[index], 0) < unmask),
        remask: kept.filter((position) => random(position, 1) < remask),
      };
    },
  };
}

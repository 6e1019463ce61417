/**
 * EB-Sampler (Ben-Hamu et al., arXiv 2505.24857, section 4): positions are kept from the least entropy up as long as the sum of their
 * entropies less the greatest stays within gamma, which bounds what is lost by drawing them independently.
 */
import { byCertainty, leastOfStep, NOTHING, type Sampler } from './sampler.ts';

/** In nats; 0 keeps one token a step where no position is certain. */
export const DEFAULT_GAMMA = 0.15;

/** The largest k with sum of the first k entropies less the k-th at most gamma; entropies rising. 1 always holds. */
export function bounded(entropies: ArrayLike<number>, gamma: number): number {
  let before = 0; // sum of the entropies below the greatest so far
  let k = 0;
  while (k < entropies.length && before <= gamma) before += entropies[k++];
  return k;
}

export function entropyBounded(gamma: number = DEFAULT_GAMMA): Sampler {
  return {
    name: 'entropy-bounded',
    alwaysCommits: true,
    measure: 'entropy',
    select(context) {
      const ranked = byCertainty(context);
      const within = bounded(
        Array.from(ranked, (index) => -context.proposal.certainty![index]),
        gamma,
      );
      return { commit: ranked.slice(0, Math.max(within, leastOfStep(context))), remask: NOTHING };
    },
  };
}

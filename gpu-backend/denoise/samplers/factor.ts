/**
 * Confidence factor (Fast-dLLM, Wu et al., arXiv 2505.22618, section 3.3): the most confident n tokens are kept together where the n-th is
 * confident enough for so many: (n + 1) (1 - c_n) < f. Greedy parallel decoding then agrees with decoding one by one (theorem 1, f = 1).
 */
import { byConfidence, leastOfStep, NOTHING, type Sampler } from './sampler.ts';

/** Fast-dLLM's default. */
export const DEFAULT_FACTOR = 1;

/** The largest n such that every j up to n has c_j >= 1 - f / (j + 1); confidences falling. */
export function confident(confidences: ArrayLike<number>, f: number): number {
  let n = 0;
  while (n < confidences.length && confidences[n] >= 1 - f / (n + 2)) n++;
  return n;
}

export function factor(f: number = DEFAULT_FACTOR): Sampler {
  return {
    name: 'factor',
    alwaysCommits: true,
    select(context) {
      const ranked = byConfidence(context);
      const sure = confident(
        Array.from(ranked, (index) => context.proposal.confidence[index] || 0),
        f,
      );
      return { commit: ranked.slice(0, Math.max(sure, leastOfStep(context))), remask: NOTHING };
    },
  };
}

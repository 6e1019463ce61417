/**
 * Confidence threshold (Fast-dLLM, Wu et al., arXiv 2505.22618): keep every token at least that confident, and the most
 * confident one in any case.
 */
import { byConfidence, leastOfStep, NOTHING, type Sampler } from './sampler.ts';

/** Fast-dLLM's default. */
export const DEFAULT_THRESHOLD = 0.9;

export function threshold(tau: number = DEFAULT_THRESHOLD): Sampler {
  return {
    name: 'threshold',
    alwaysCommits: true,
    select(context) {
      const least = leastOfStep(context);
      const confidence = context.proposal.confidence;
      return {
        commit: byConfidence(context).filter((index, rank) => rank < least || confidence[index] >= tau),
        remask: NOTHING,
      };
    },
  };
}

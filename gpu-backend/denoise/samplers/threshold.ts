/**
 * Confidence threshold (Fast-dLLM, Wu et al., arXiv 2505.22618): keep every token at least that confident, and the most
 * confident one in any case.
 */
import { byConfidence, NOTHING, type Sampler } from './sampler.ts';

/** Fast-dLLM's default. */
export const DEFAULT_THRESHOLD = 0.9;

export function threshold(tau: number = DEFAULT_THRESHOLD): Sampler {
  return {
    name: 'threshold',
    alwaysCommits: true,
    select(context) {
      // Steps are a ceiling: with fewer steps than masks, each step keeps its even share at least, so that the last one
      // does not have to take whatever is left. With a step for each mask the share is 1, the rule of the paper.
      const share = Math.floor(context.candidates.length / context.stepsLeft);
      const least = context.stepsLeft === 1 ? context.candidates.length : Math.max(share, 1);
      const confidence = context.proposal.confidence;
      return {
        commit: byConfidence(context).filter((index, rank) => rank < least || confidence[index] >= tau),
        remask: NOTHING,
      };
    },
  };
}

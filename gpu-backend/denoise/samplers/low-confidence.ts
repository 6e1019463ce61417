/**
 * LLaDA's low-confidence remasking (Nie et al., arXiv 2502.09992, generate.py): each step keeps its quota of the most
 * confident tokens and leaves the rest masked.
 */
import { NOTHING, type Ranking, ranked, type Sampler, spaced } from './sampler.ts';

/**
 * Tokens to keep at a step. Shares the masks over the steps as LLaDA does, floor each and the remainder to the first steps;
 * told from what is left, so that it needs no memory: ceil(10/4), ceil(7/3), ceil(4/2), ceil(2/1) = 3, 3, 2, 2.
 */
export function quota(masked: number, stepsLeft: number): number {
  return Math.ceil(masked / stepsLeft);
}

export function lowConfidence({ positionTemperature = 0, spacing = 1 }: Ranking = {}): Sampler {
  return {
    name: 'low-confidence',
    alwaysCommits: true,
    select: (context) => ({
      commit: spaced(
        context.proposal,
        ranked(context, 'confidence', positionTemperature),
        quota(context.candidates.length, context.stepsLeft),
        spacing,
      ),
      remask: NOTHING,
    }),
  };
}

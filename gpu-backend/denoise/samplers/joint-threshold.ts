/**
 * Joint threshold decoding with editing (LLaDA2.1, Bie et al., arXiv 2602.08676): masks are filled where the token is confident, and kept tokens
 * are replaced where the model, which now sees what came after them, is confident of another.
 *
 * Only for models that were trained on wrong tokens in sight: what a purely masked model says at a filled position means nothing.
 */
import { byConfidence, leastOfStep, NOTHING, type Sampler } from './sampler.ts';

/** Confidence above which a mask is filled, and above which a kept token is replaced: LLaDA2.1's quality mode. */
export const DEFAULT_FILL = 0.7;
export const DEFAULT_EDIT = 0.5;

export function jointThreshold(fill: number = DEFAULT_FILL, edit: number = DEFAULT_EDIT): Sampler {
  return {
    name: 'joint-threshold',
    // Its steps may outnumber the masks: a finished block is still edited.
    alwaysCommits: false,
    revises: true,
    edits: ({ kept, doubt }) => kept.filter((_, i) => doubt[i] > edit),
    select(context) {
      const least = leastOfStep(context);
      const { confidence } = context.proposal;
      return {
        commit: byConfidence(context).filter((index, rank) => rank < least || confidence[index] > fill),
        remask: NOTHING,
      };
    },
  };
}

/**
 * KLASS (Kim et al., arXiv 2511.05664, section 3): a token is kept when the position is confident and its distribution has stood still,
 * KL(now || before) below a threshold at each of the last two comparisons. Where no token is ready, LLaDA's quota is kept.
 *
 * The published code's `entropy` branch ranks by plus the entropy, so the least certain first; nothing of that is here.
 */
import { quota } from './low-confidence.ts';
import { byConfidence, leastOfStep, NOTHING, type Sampler } from './sampler.ts';

/** The paper's confidence threshold. */
export const DEFAULT_CONFIDENCE = 0.9;
/** In nats; the paper's KL threshold. */
export const DEFAULT_KL = 0.01;

export function klass(tau: number = DEFAULT_CONFIDENCE, epsilon: number = DEFAULT_KL): Sampler {
  return {
    name: 'klass',
    alwaysCommits: true,
    remembers: 'drift',
    select(context) {
      const { proposal, drift, candidates, stepsLeft } = context;
      if (drift === undefined) throw new Error('the drift of the distributions was not handed in');
      const ranked = byConfidence(context);
      const isReady = (index: number) => proposal.confidence[index] > tau && drift[index] < epsilon;
      const ready = ranked.filter(isReady);
      if (ready.length === 0) return { commit: ranked.slice(0, quota(candidates.length, stepsLeft)), remask: NOTHING };
      // Steps are a ceiling: where fewer are ready than a step has to keep, the most confident of the others join.
      const others = ranked
        .filter((index) => !isReady(index))
        .slice(0, Math.max(0, leastOfStep(context) - ready.length));
      return { commit: Int32Array.from([...ready, ...others]), remask: NOTHING };
    },
  };
}

/**
 * Dream's position samplers (Ye et al., arXiv 2508.15487; DreamLM/Dream, generation_utils.py): each step keeps a number of tokens that
 * the schedule says, ranked by the confidence in the token (`maskgit_plus`), by the margin of the likeliest over the second
 * (`topk_margin`) or by the negative entropy of the position (`entropy`).
 */
import type { Measure } from '../../lattice/meter.ts';
import { NOTHING, type Ranking, ranked, type Sampler, spaced } from './sampler.ts';

/** Where the schedule ends; Dream's eps. */
const EPSILON = 1e-3;

/** Tokens to keep at 0-based step k of n: floor(masked * (1 - s / t)) on times from 1 to eps, all at the last step. */
export function transfers(masked: number, k: number, n: number): number {
  if (k >= n - 1) return masked;
  const t = 1 - (k * (1 - EPSILON)) / n;
  const s = t - (1 - EPSILON) / n;
  return Math.floor(masked * (1 - s / t));
}

/** `positionTemperature` is Dream's alg_temp. */
export function dream(by: 'confidence' | Measure, { positionTemperature = 0, spacing = 1 }: Ranking = {}): Sampler {
  return {
    name: by,
    alwaysCommits: false,
    measure: by === 'confidence' ? undefined : by,
    select(context) {
      const order = ranked(context, by === 'confidence' ? 'confidence' : 'certainty', positionTemperature);
      const step = Math.max(context.blockSteps - context.stepsLeft, 0);
      const count = transfers(order.length, step, context.blockSteps);
      return { commit: spaced(context.proposal, order, count, spacing), remask: NOTHING };
    },
  };
}

/**
 * ReMDM (Wang et al., "Remasking discrete diffusion models with inference-time scaling", arXiv 2503.00307, section 4): each step, tokens that
 * were kept are masked again with a small probability sigma, so that early mistakes meet the text that came after them.
 *
 * With alpha the share of filled positions that the schedule asks for, going from t to s a mask is kept as proposed with probability
 * (alpha_s - (1 - sigma) alpha_t) / (1 - alpha_t), which leaves the share alpha_s filled whatever sigma is, up to
 * sigma_max = min(1, (1 - alpha_s) / alpha_t).
 */
import type { Remask } from '../../../shared/contract/generation.ts';
import { DEFAULT_REMASK, type Diffusion, LOOP } from '../../../shared/contract/sampling.ts';
import { NOTHING, type Sampler } from './sampler.ts';

/** sigma, or its share of sigma_max: 0.02 is the paper's for cap and loop, 0.015 its scripts' for rescale. */
export const DEFAULT_ETA: Readonly<Record<Exclude<Remask, 'conf'>, number>> = { cap: 0.02, rescale: 0.015, loop: 0.02 };

export type RemdmSettings = Pick<Diffusion, 'remask' | 'eta' | 't_on' | 't_off' | 'alpha_on'>;

/** What happens from time t to s, 1 at the start and 0 at the end. */
export interface Rates {
  /** Probability that a kept token is masked again; of `conf` the sum of the probabilities of all kept tokens. */
  readonly remask: number;
  /** Probability that a mask is kept as proposed. */
  readonly unmask: number;
}

/** Rates at 0-based step k of n. */
export function rates(k: number, n: number, settings: RemdmSettings = {}): Rates {
  const remask = settings.remask ?? DEFAULT_REMASK;
  const { t_on: on = LOOP.t_on, t_off: off = LOOP.t_off } = settings;
  const t = 1 - k / n;
  const alpha = remask === 'loop' ? loopAlpha(on, off, settings.alpha_on ?? LOOP.alpha_on) : linearAlpha;
  const alphaT = alpha(t);
  const alphaS = alpha(1 - (k + 1) / n);
  const most = alphaT === 0 ? 0 : Math.min(1, (1 - alphaS) / alphaT);
  const unmask = (sigma: number) => (alphaS - (1 - sigma) * alphaT) / (1 - alphaT);
  // Of `conf` a mask has no confidence, and no sigma: it unmasks as without masking again.
  if (remask === 'conf') return { remask: most, unmask: unmask(0) };
  const eta = settings.eta ?? DEFAULT_ETA[remask];
  const sigma =
    remask === 'cap'
      ? Math.min(eta, most)
      : remask === 'rescale'
        ? eta * most
        : t <= on && t > off
          ? Math.min(eta, most)
          : 0;
  return { remask: sigma, unmask: unmask(sigma) };
}

/** The log-linear schedule, mask rate m(t) = t. */
const linearAlpha = (t: number): number => 1 - t;

/**
 * The loop's: to alpha_on by the time t_on, held there while tokens are masked again and replaced, then on to 1 from t_off. The published
 * script lets the step across t_on overshoot alpha_on; here the schedule is continuous, so that shares add up at any number of steps.
 */
const loopAlpha =
  (on: number, off: number, alphaOn: number) =>
  (t: number): number => {
    if (t > on) return ((1 - t) * alphaOn) / (1 - on);
    return t >= off && t > 0 ? alphaOn : 1 - (off === 0 ? 0 : (t * (1 - alphaOn)) / off);
  };

export function remdm(settings: RemdmSettings = {}): Sampler {
  const byConfidence = settings.remask === 'conf';
  return {
    name: 'remdm',
    alwaysCommits: false,
    revises: true,
    remembers: byConfidence ? 'confidence' : undefined,
    select({ proposal, candidates, kept, keptConfidence, blockSteps, stepsLeft, random }) {
      if (stepsLeft === 1) return { commit: candidates, remask: NOTHING };
      const { remask, unmask } = rates(Math.max(blockSteps - stepsLeft, 0), blockSteps, settings);
      const shares = byConfidence ? doubtShares(keptConfidence) : undefined;
      return {
        commit: candidates.filter((index) => random(proposal.positions[index], 0) < unmask),
        remask: kept.filter((position, i) => random(position, 1) < remask * (shares?.[i] ?? 1)),
      };
    },
  };
}

/** softmax(-confidence) over the kept tokens: the less sure one was when it was kept, the sooner it is masked again. */
export function doubtShares(keptConfidence: Float64Array | undefined): Float64Array {
  if (keptConfidence === undefined) throw new Error('the confidence of the kept tokens was not handed in');
  const weights = keptConfidence.map((confidence) => Math.exp(-confidence)); // confidences lie in 0..1
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/**
 * The sampler a request asks for.
 */
import type { SamplerName } from '../../../shared/contract/generation.ts';
import type { Manifest } from '../../../shared/contract/manifest.ts';
import { checkSampling, DEFAULT_SAMPLER, type Diffusion } from '../../../shared/contract/sampling.ts';
import { ancestral } from './ancestral.ts';
import { dream } from './dream.ts';
import { entropyBounded } from './entropy-bounded.ts';
import { factor } from './factor.ts';
import { firstHitting } from './first-hitting.ts';
import { jointThreshold } from './joint-threshold.ts';
import { klass } from './klass.ts';
import { lowConfidence } from './low-confidence.ts';
import { remdm } from './remdm.ts';
import type { Ranking, Sampler } from './sampler.ts';
import { threshold } from './threshold.ts';

function ranking({ position_temperature, spacing }: Diffusion): Ranking {
  return { positionTemperature: position_temperature, spacing };
}

/** Each sampler from the settings of a request. */
const MAKERS: Readonly<Record<SamplerName, (settings: Diffusion) => Sampler>> = {
  'low-confidence': (settings) => lowConfidence(ranking(settings)),
  ancestral: () => ancestral(),
  'first-hitting': () => firstHitting(),
  remdm: (settings) => remdm(settings),
  confidence: (settings) => dream('confidence', ranking(settings)),
  margin: (settings) => dream('margin', ranking(settings)),
  entropy: (settings) => dream('entropy', ranking(settings)),
  threshold: (settings) => threshold(settings.threshold),
  factor: (settings) => factor(settings.factor),
  'entropy-bounded': (settings) => entropyBounded(settings.gamma),
  klass: (settings) => klass(settings.threshold, settings.kl_threshold),
  'joint-threshold': (settings) => jointThreshold(settings.threshold, settings.edit_threshold),
};

/**
 * The sampler of diffusion settings. It reads nothing but these settings, so whatever stands for several of them (a preset) only
 * has to write them out before.
 *
 * @throws ProblemError invalid_request where a setting is given that the sampler does not have, or a sampler the model cannot do
 */
export function chooseSampler(settings: Diffusion = {}, model: Pick<Manifest, 'id' | 'supports'>): Sampler {
  checkSampling(settings, model);
  return MAKERS[settings.sampler ?? DEFAULT_SAMPLER](settings);
}

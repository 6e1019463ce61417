/**
 * The sampler a request asks for.
 */
import type { GenerationRequest, SamplerName } from '../../../shared/contract/generation.ts';
import { problem } from '../../../shared/contract/problem.ts';
import { ancestral } from './ancestral.ts';
import { dream } from './dream.ts';
import { entropyBounded } from './entropy-bounded.ts';
import { factor } from './factor.ts';
import { lowConfidence } from './low-confidence.ts';
import { remdm } from './remdm.ts';
import type { Sampler } from './sampler.ts';
import { threshold } from './threshold.ts';

type Diffusion = NonNullable<GenerationRequest['diffusion']>;

const DEFAULT: SamplerName = 'low-confidence';

/** Each sampler from the settings of a request. */
const MAKERS: Readonly<Record<SamplerName, (diffusion: Diffusion) => Sampler>> = {
  'low-confidence': () => lowConfidence(),
  ancestral: () => ancestral(),
  remdm: ({ eta }) => remdm(eta),
  confidence: () => dream('confidence'),
  margin: () => dream('margin'),
  entropy: () => dream('entropy'),
  threshold: (diffusion) => threshold(diffusion.threshold),
  factor: (diffusion) => factor(diffusion.factor),
  'entropy-bounded': ({ gamma }) => entropyBounded(gamma),
};

/** The one sampler that has each setting. */
const OWNERS = { threshold: 'threshold', factor: 'factor', gamma: 'entropy-bounded', eta: 'remdm' } as const;

/** @throws ProblemError invalid_request where a setting is given that the sampler does not have */
export function chooseSampler(diffusion: GenerationRequest['diffusion'] = {}): Sampler {
  const name = diffusion.sampler ?? DEFAULT;
  for (const [setting, owner] of Object.entries(OWNERS) as [keyof typeof OWNERS, SamplerName][]) {
    if (diffusion[setting] === undefined || name === owner) continue;
    const message = `diffusion.${setting} is a setting of sampler "${owner}", and the sampler is "${name}".`;
    throw problem('invalid_request', message, { pointer: `/diffusion/${setting}` });
  }
  return MAKERS[name](diffusion);
}

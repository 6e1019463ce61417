/**
 * The sampler a request asks for.
 */
import type { GenerationRequest } from '../../../shared/contract/generation.ts';
import { problem } from '../../../shared/contract/problem.ts';
import { ancestral } from './ancestral.ts';
import { lowConfidence } from './low-confidence.ts';
import { remdm } from './remdm.ts';
import type { Sampler } from './sampler.ts';
import { threshold } from './threshold.ts';

/** @throws ProblemError invalid_request where a setting is given that the sampler does not have */
export function chooseSampler(diffusion: GenerationRequest['diffusion'] = {}): Sampler {
  const name = diffusion.sampler ?? 'low-confidence';
  if (diffusion.threshold !== undefined && name !== 'threshold') {
    throw problem(
      'invalid_request',
      `diffusion.threshold is a setting of sampler "threshold", and the sampler is "${name}".`,
      {
        pointer: '/diffusion/threshold',
      },
    );
  }
  switch (name) {
    case 'low-confidence':
      return lowConfidence();
    case 'ancestral':
      return ancestral();
    case 'remdm':
      return remdm();
    case 'threshold':
      return threshold(diffusion.threshold);
  }
}

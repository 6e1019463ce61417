/**
 * First-hitting (Zheng et al., "Masked diffusion models are secretly time-agnostic", arXiv 2409.02908, section 4): the ancestral process in
 * continuous time, without the steps at which nothing happens. The next token to unmask is each of the masked ones with the same
 * probability, whatever its confidence; when it does, t <- t U^(1/masks), matters only to models that are told the time.
 *
 * Exact with a step for each mask. With fewer, a step takes its share of them at once, still a uniform choice.
 */
import { quota } from './low-confidence.ts';
import { NOTHING, type Sampler } from './sampler.ts';

export function firstHitting(): Sampler {
  return {
    name: 'first-hitting',
    alwaysCommits: true,
    select({ proposal, candidates, stepsLeft, random }) {
      const draw = (index: number) => random(proposal.positions[index], 0);
      // The least of independent uniform numbers is anyone's with the same probability; so are the least k together.
      const order = candidates.slice().sort((a, b) => draw(a) - draw(b));
      return { commit: order.slice(0, quota(candidates.length, stepsLeft)), remask: NOTHING };
    },
  };
}

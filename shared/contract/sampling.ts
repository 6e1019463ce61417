/**
 * Which settings belong to which sampler. A setting that would have no effect is refused, not ignored: by the edge before
 * anything runs, and by the service again, which has the last word.
 */
import type { GenerationRequest, Remask, SamplerName } from './generation.ts';
import type { Manifest } from './manifest.ts';
import { problem } from './problem.ts';

export type Diffusion = NonNullable<GenerationRequest['diffusion']>;

/** Settings that only some samplers have. */
export type SamplerSetting = Exclude<
  keyof Diffusion,
  'effort' | 'steps' | 'sampler' | 'block' | 'kv_cache' | 'guidance' | 'repetition_penalty'
>;

export const DEFAULT_SAMPLER: SamplerName = 'low-confidence';
export const DEFAULT_REMASK: Remask = 'cap';

/** The samplers that have each setting. */
export const OWNERS: Readonly<Record<SamplerSetting, readonly SamplerName[]>> = {
  threshold: ['threshold', 'klass', 'joint-threshold'],
  factor: ['factor'],
  gamma: ['entropy-bounded'],
  kl_threshold: ['klass'],
  edit_threshold: ['joint-threshold'],
  remask: ['remdm'],
  eta: ['remdm'],
  t_on: ['remdm'],
  t_off: ['remdm'],
  alpha_on: ['remdm'],
  position_temperature: ['low-confidence', 'confidence', 'margin', 'entropy'],
  spacing: ['low-confidence', 'confidence', 'margin', 'entropy'],
};

/** The ways of masking again that have each setting of `remdm`. */
const REMASK_OWNERS: Readonly<Partial<Record<SamplerSetting, readonly Remask[]>>> = {
  eta: ['cap', 'rescale', 'loop'],
  t_on: ['loop'],
  t_off: ['loop'],
  alpha_on: ['loop'],
};

/** Samplers that replace kept tokens: only for models that were trained on wrong tokens in sight. */
export const EDITING_SAMPLERS: readonly SamplerName[] = ['joint-threshold'];

/** ReMDM's loop (Wang et al., arXiv 2503.00307, section 4.2 and its scripts). */
export const LOOP = { t_on: 0.55, t_off: 0.05, alpha_on: 0.9 } as const;

/**
 * Lets diffusion settings pass that the sampler has and the model can do.
 * @throws ProblemError invalid_request with the pointer of the setting
 */
export function checkSampling(diffusion: Diffusion, model: Pick<Manifest, 'id' | 'supports'>): void {
  const sampler = diffusion.sampler ?? DEFAULT_SAMPLER;
  const remask = diffusion.remask ?? DEFAULT_REMASK;
  for (const setting of Object.keys(OWNERS) as SamplerSetting[]) {
    if (diffusion[setting] === undefined) continue;
    if (!OWNERS[setting].includes(sampler)) throw misplaced(setting, 'sampler', OWNERS[setting], sampler);
    const ways = REMASK_OWNERS[setting];
    if (ways !== undefined && !ways.includes(remask)) throw misplaced(setting, 'remask', ways, remask);
  }
  if ((diffusion.kv_cache ?? 'none') !== 'none' && diffusion.block === undefined) {
    const detail = `diffusion.kv_cache is "${diffusion.kv_cache}" and there is no diffusion.block: keys and values are kept while a block is worked on.`;
    throw problem('invalid_request', detail, { pointer: '/diffusion/kv_cache' });
  }
  const on = diffusion.t_on ?? LOOP.t_on;
  const off = diffusion.t_off ?? LOOP.t_off;
  if (off > on) {
    const detail = `diffusion.t_off is ${off} and diffusion.t_on is ${on}; time runs from 1 to 0, so t_off is at most t_on.`;
    throw problem('invalid_request', detail, {
      pointer: diffusion.t_off === undefined ? '/diffusion/t_on' : '/diffusion/t_off',
    });
  }
  if (EDITING_SAMPLERS.includes(sampler) && !model.supports.editing) {
    const detail = `sampler "${sampler}" replaces kept tokens, and model ${model.id} was not trained for that (supports.editing is false).`;
    throw problem('invalid_request', detail, { pointer: '/diffusion/sampler' });
  }
}

function misplaced(setting: SamplerSetting, field: 'sampler' | 'remask', owners: readonly string[], given: string) {
  const names = owners.map((owner) => `"${owner}"`).join(', ');
  return problem(
    'invalid_request',
    `diffusion.${setting} is a setting of ${field} ${names}, and the ${field} is "${given}".`,
    {
      pointer: `/diffusion/${setting}`,
    },
  );
}

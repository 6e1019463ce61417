/** The settings that the chosen sampler has; any other would be refused, so that it is neither shown nor sent. */
import { DEFAULT_REMASK, DEFAULT_SAMPLER, OWNERS, type SamplerSetting } from '../../../../shared/contract/sampling.ts';
import type { Draft } from './draft.ts';

const LOOP_ALONE: readonly SamplerSetting[] = ['t_on', 't_off', 'alpha_on'];

export function offeredSettings({ sampler, settings }: Pick<Draft, 'sampler' | 'settings'>): SamplerSetting[] {
  const remask = settings.remask || DEFAULT_REMASK;
  return (Object.keys(OWNERS) as SamplerSetting[]).filter(
    (name) =>
      OWNERS[name].includes(sampler || DEFAULT_SAMPLER) &&
      (remask === 'loop' || !LOOP_ALONE.includes(name)) &&
      !(name === 'eta' && remask === 'conf'),
  );
}

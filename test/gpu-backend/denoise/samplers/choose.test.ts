import { describe, expect, it } from 'vitest';
import { chooseSampler } from '../../../../gpu-backend/denoise/samplers/choose.ts';
import { SAMPLERS } from '../../../../shared/contract/generation.ts';
import { type Diffusion, OWNERS, type SamplerSetting } from '../../../../shared/contract/sampling.ts';
import { problemOf } from '../../../problem-of.ts';

const model = { id: 'tiny', supports: { editing: true, guidance: true } };
const settings = Object.keys(OWNERS) as SamplerSetting[];
const anyValue = (setting: SamplerSetting) => (setting === 'remask' ? 'cap' : 0.5);

describe('chooseSampler', () => {
  it('takes low-confidence where nothing is said', () => {
    expect(chooseSampler(undefined, model).name).toBe('low-confidence');
    expect(chooseSampler({ sampler: 'ancestral' }, model).name).toBe('ancestral');
  });

  it('knows every sampler of the contract by its name', () => {
    for (const sampler of SAMPLERS) expect(chooseSampler({ sampler }, model).name).toBe(sampler);
  });

  it.each(settings)('refuses %s for any sampler that does not have it, naming those that do', (setting) => {
    for (const sampler of [undefined, ...SAMPLERS]) {
      const loop = ['t_on', 't_off', 'alpha_on'].includes(setting) && sampler === 'remdm';
      const diffusion: Diffusion = { sampler, [setting]: anyValue(setting), ...(loop ? { remask: 'loop' } : {}) };
      const choose = () => chooseSampler(diffusion, model);
      if (OWNERS[setting].includes(sampler ?? 'low-confidence')) {
        expect(choose().name).toBe(sampler ?? 'low-confidence');
        continue;
      }
      const refused = problemOf(choose);
      expect(refused).toMatchObject({ code: 'invalid_request', pointer: `/diffusion/${setting}` });
      for (const owner of OWNERS[setting]) expect(refused.detail).toContain(`"${owner}"`);
    }
  });

  it.each([
    [{ sampler: 'remdm', remask: 'conf', eta: 0.1 }, '/diffusion/eta', '"cap", "rescale", "loop"'],
    [{ sampler: 'remdm', t_on: 0.5 }, '/diffusion/t_on', '"loop", and the remask is "cap"'],
    [{ sampler: 'remdm', remask: 'rescale', alpha_on: 0.5 }, '/diffusion/alpha_on', '"rescale"'],
    [{ sampler: 'remdm', remask: 'loop', t_off: 0.6 }, '/diffusion/t_off', '0.6'],
    [{ sampler: 'remdm', remask: 'loop', t_on: 0.01 }, '/diffusion/t_on', '0.05'],
  ] as const)('refuses %j', (diffusion, pointer, named) => {
    const refused = problemOf(() => chooseSampler(diffusion, model));
    expect(refused).toMatchObject({ code: 'invalid_request', pointer });
    expect(refused.detail).toContain(named);
  });

  it('refuses to edit with a model that was not trained for it, naming the model', () => {
    const untrained = { id: 'pure-mask', supports: { editing: false, guidance: true } };
    const refused = problemOf(() => chooseSampler({ sampler: 'joint-threshold' }, untrained));
    expect(refused).toMatchObject({ code: 'invalid_request', pointer: '/diffusion/sampler' });
    expect(refused.detail).toContain('pure-mask');
    for (const sampler of SAMPLERS.filter((name) => name !== 'joint-threshold')) {
      expect(chooseSampler({ sampler }, untrained).name).toBe(sampler);
    }
  });
});

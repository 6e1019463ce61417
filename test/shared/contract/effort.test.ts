import { describe, expect, it } from 'vitest';
import { DEFAULT_EFFORT, denoisingOf, PRESETS } from '../../../shared/contract/effort.ts';
import { EFFORTS } from '../../../shared/contract/generation.ts';
import { checkSampling } from '../../../shared/contract/sampling.ts';

const model = { id: 'm', supports: { editing: false, guidance: true } };

describe('effort', () => {
  it('stands for settings that are allowed together, on any model', () => {
    for (const effort of EFFORTS) {
      expect(() => checkSampling(denoisingOf({ diffusion: { effort } }).settings, model)).not.toThrow();
    }
  });

  it('is balanced where a request says nothing', () => {
    expect(denoisingOf({})).toMatchObject({
      settings: PRESETS[DEFAULT_EFFORT].settings,
      temperature: PRESETS[DEFAULT_EFFORT].temperature,
    });
  });

  it('costs more steps the more of it: of 128 masks a step for eight, for four, for each', () => {
    expect(EFFORTS.map((effort) => denoisingOf({ diffusion: { effort } }).stepsFor(128))).toEqual([16, 32, 128]);
    expect(EFFORTS.map((effort) => denoisingOf({ diffusion: { effort } }).stepsFor(10))).toEqual([10, 10, 10]);
  });

  it('yields to whatever is given', () => {
    const given = denoisingOf({
      temperature: 0.3,
      diffusion: { effort: 'best', steps: 7, repetition_penalty: 1, spacing: 2 },
    });
    expect(given.temperature).toBe(0.3);
    expect(given.stepsFor(128)).toBe(7);
    expect(given.settings).toMatchObject({ repetition_penalty: 1, spacing: 2, sampler: 'low-confidence' });
  });

  it('says nothing but the number of steps where the sampler is named', () => {
    const named = denoisingOf({ diffusion: { effort: 'fast', sampler: 'entropy' } });
    expect(named.settings).toEqual({ effort: 'fast', sampler: 'entropy' });
    expect(named.temperature).toBe(1);
    expect(named.stepsFor(128)).toBe(16);
  });
});

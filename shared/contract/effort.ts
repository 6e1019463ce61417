/**
 * `diffusion.effort`: measured settings under one word, for whoever does not want to choose a sampler (docs/samplers.md has the figures).
 */
import type { Effort, GenerationRequest } from './generation.ts';
import { DEFAULT_SAMPLER, type Diffusion } from './sampling.ts';

export const DEFAULT_EFFORT: Effort = 'balanced';

interface Preset {
  /** What stands for settings that the request leaves out; only where it names no sampler. */
  readonly settings: Diffusion;
  /** Tokens kept at a step, where the request says no number of steps. */
  readonly tokensPerStep: number;
  /** Where the request says none. Fewer steps are less choosy about what they keep; a lower temperature makes up for it. */
  readonly temperature: number;
}

export const PRESETS: Readonly<Record<Effort, Preset>> = {
  fast: {
    settings: { sampler: DEFAULT_SAMPLER, spacing: 4, repetition_penalty: 1.5 },
    tokensPerStep: 8,
    temperature: 0.7,
  },
  balanced: {
    settings: { sampler: DEFAULT_SAMPLER, spacing: 8, repetition_penalty: 1.5 },
    tokensPerStep: 4,
    temperature: 0.8,
  },
  best: {
    settings: { sampler: DEFAULT_SAMPLER, repetition_penalty: 1.5 },
    tokensPerStep: 1,
    temperature: 1,
  },
};

/** Of a request that names its sampler: the model's own distribution. */
const PLAIN_TEMPERATURE = 1;
// A short text gets a step for each of its tokens: it costs little, and it has no distant positions to keep together.
const FEWEST_STEPS = 16;

/** What a request asks of the denoising, nothing left out. */
export interface Denoising {
  readonly settings: Diffusion;
  readonly temperature: number;
  /** Ceiling of denoising steps for a text with so many masks. */
  stepsFor(masks: number): number;
}

/** The request's settings, and those of its effort for what it leaves out. */
export function denoisingOf({
  diffusion = {},
  temperature,
}: Pick<GenerationRequest, 'diffusion' | 'temperature'>): Denoising {
  const preset = PRESETS[diffusion.effort ?? DEFAULT_EFFORT];
  return {
    settings: diffusion.sampler === undefined ? { ...preset.settings, ...diffusion } : diffusion,
    temperature: temperature ?? (diffusion.sampler === undefined ? preset.temperature : PLAIN_TEMPERATURE),
    stepsFor: (masks) =>
      diffusion.steps ?? Math.max(Math.ceil(masks / preset.tokensPerStep), Math.min(masks, FEWEST_STEPS)),
  };
}

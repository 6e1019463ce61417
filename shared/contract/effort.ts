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

/**
 * Work in blocks of 64 beside cached keys and values costs no quality here and takes a third less time; shorter texts are one block.
 * Tokens of one step are kept apart, and the fewer the steps the cooler the draw. A model of this size repeats itself where it is sure.
 */
const BLOCKS = { sampler: DEFAULT_SAMPLER, block: 64, kv_cache: 'dual' } as const;

export const PRESETS: Readonly<Record<Effort, Preset>> = {
  fast: { settings: { ...BLOCKS, spacing: 4, repetition_penalty: 3 }, tokensPerStep: 8, temperature: 0.4 },
  balanced: { settings: { ...BLOCKS, spacing: 8, repetition_penalty: 3 }, tokensPerStep: 4, temperature: 0.5 },
  best: { settings: { ...BLOCKS, repetition_penalty: 2 }, tokensPerStep: 1, temperature: 0.8 },
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

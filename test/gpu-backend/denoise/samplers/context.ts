/**
 * Steps of samplers without loop, model or constraint: a proposal of given confidences.
 */
import fc from 'fast-check';
import { uniforms } from '../../../../gpu-backend/denoise/random.ts';
import type { Sampler, StepContext } from '../../../../gpu-backend/denoise/samplers/sampler.ts';

/** The context of a proposal at positions 10, 11, ... */
export function contextOf(confidence: readonly number[], changes: Partial<StepContext> = {}): StepContext {
  const positions = Int32Array.from(confidence, (_, i) => 10 + i);
  return {
    proposal: { positions, tokens: positions, confidence: Float64Array.from(confidence) },
    candidates: Int32Array.from(confidence, (_, i) => i),
    kept: new Int32Array(0),
    blockSteps: 4,
    stepsLeft: 4,
    random: uniforms(1, 0, 1, 'sampler'),
    ...changes,
  };
}

/** Indices that a sampler keeps, ascending. */
export const committed = (sampler: Sampler, context: StepContext) =>
  [...sampler.select(context).commit].sort((a, b) => a - b);

/** Runs a sampler over fixed confidences until nothing is left: the indices that each step kept. */
export function run(sampler: Sampler, confidence: readonly number[], steps: number, seed = 1): number[][] {
  let left = confidence.map((_, i) => i);
  const kept: number[][] = [];
  for (let step = 1; left.length > 0; step++) {
    const context = contextOf(
      left.map((i) => confidence[i]),
      { blockSteps: steps, stepsLeft: steps - step + 1, random: uniforms(seed, 0, step, 'sampler') },
    );
    const commit = committed(sampler, context);
    kept.push(commit.map((i) => left[i]));
    left = left.filter((_, i) => !commit.includes(i));
  }
  return kept;
}

export const confidences = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 });

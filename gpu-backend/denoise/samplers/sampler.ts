/**
 * What a sampler is: it picks which positions of a proposal to keep at this step, and which kept ones to mask again.
 * It knows neither model nor constraint. Samplers hold no state: a step can be taken up anywhere from canvas and step number.
 */
import type { SamplerName } from '../../../shared/contract/generation.ts';
import type { Measure } from '../../lattice/spread.ts';
import type { Proposal } from '../constraint.ts';
import type { Uniform } from '../random.ts';

export interface StepContext {
  readonly proposal: Proposal;
  /** Indices into the proposal that may be kept at this step, ascending, at least one: those of the block under work. */
  readonly candidates: Int32Array;
  /** Text positions of that block that were kept at an earlier step and may be masked again, ascending. */
  readonly kept: Int32Array;
  /** Steps planned for the block. */
  readonly blockSteps: number;
  /** Steps left for the block, this one included: at 1 every candidate has to be kept. */
  readonly stepsLeft: number;
  /** Numbers of this step; no other part of the loop draws from them. */
  readonly random: Uniform;
}

export interface Selection {
  /** Indices into the proposal. */
  readonly commit: Int32Array;
  /** Text positions to mask again. */
  readonly remask: Int32Array;
}

export interface Sampler {
  readonly name: SamplerName;
  /** True where every step keeps at least one token, so that more steps than masks are never taken. */
  readonly alwaysCommits: boolean;
  /** What it ranks positions by besides their confidence. */
  readonly measure?: Measure;
  select(context: StepContext): Selection;
}

export const NOTHING = new Int32Array(0);

/**
 * Tokens that a step has to keep for samplers that keep as many as they are sure of. Steps are a ceiling: with fewer steps than
 * masks, each step keeps its even share at least, so that the last one does not have to take whatever is left. With a step for each
 * mask the share is 1, the rule of the papers.
 */
export function leastOfStep({ candidates, stepsLeft }: StepContext): number {
  return stepsLeft === 1 ? candidates.length : Math.max(Math.floor(candidates.length / stepsLeft), 1);
}

/** Candidates by falling confidence; of equal ones the leftmost first. NaN counts as 0. */
export function byConfidence(context: StepContext): Int32Array {
  return byFalling(context, context.proposal.confidence);
}

/** Candidates by falling certainty, of the sampler's measure. */
export function byCertainty(context: StepContext): Int32Array {
  const { certainty } = context.proposal;
  if (certainty === undefined) throw new Error('the proposal was not measured');
  return byFalling(context, certainty);
}

function byFalling({ candidates }: StepContext, values: Float64Array): Int32Array {
  // Minus infinity is a value (no certainty at all); two of them are equal.
  const value = (index: number) => (Number.isNaN(values[index]) ? 0 : values[index]);
  const order = (a: number, b: number) => (value(a) === value(b) ? a - b : value(b) - value(a));
  return candidates.slice().sort(order);
}

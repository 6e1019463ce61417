/**
 * What a sampler is: it picks which positions of a proposal to keep at this step, and which kept ones to mask again.
 * It knows neither model nor constraint. Samplers hold no state: a step can be taken up anywhere from canvas and step number.
 */
import type { SamplerName } from '../../../shared/contract/generation.ts';
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
  select(context: StepContext): Selection;
}

export const NOTHING = new Int32Array(0);

/** Candidates by falling confidence; of equal ones the leftmost first. NaN counts as 0. */
export function byConfidence({ proposal, candidates }: StepContext): Int32Array {
  const confidence = (index: number) => proposal.confidence[index] || 0;
  return candidates.slice().sort((a, b) => confidence(b) - confidence(a) || a - b);
}

/**
 * What a sampler is: it picks which positions of a proposal to keep at this step, and which kept ones to mask again.
 * It knows neither model nor constraint. Samplers hold no state: a step can be taken up anywhere from canvas and step number.
 */
import type { SamplerName } from '../../../shared/contract/generation.ts';
import type { Measure } from '../../lattice/meter.ts';
import type { Proposal } from '../constraint.ts';
import { gumbel } from '../gumbel.ts';
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
  /**
   * For samplers that remember 'drift', one for each position of the proposal: the greatest Kullback-Leibler divergence, in nats, of the
   * model's distribution there from that of the evaluation before, over the last two evaluations. Infinity before there were so many.
   */
  readonly drift?: Float64Array;
  /** For samplers that remember 'confidence', one for each of `kept`: the confidence with which its token was kept, 0..1. */
  readonly keptConfidence?: Float64Array;
}

/** What a sampler that edits is asked before the proposal is made. */
export interface EditContext {
  /** Text positions of the block that were kept at an earlier step and may be replaced, ascending. */
  readonly kept: Int32Array;
  /** One for each of them: the model's probability of its likeliest token where that is another than the one kept; else 0. */
  readonly doubt: Float64Array;
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
  /** What the loop remembers for it of earlier steps. */
  readonly remembers?: 'drift' | 'confidence';
  /** True where it may mask or replace what was kept, so that a kept token is not settled before its block is. */
  readonly revises?: boolean;
  /**
   * Kept positions, of those asked about, whose token is to be replaced at this step: they are masked for the proposal and kept
   * as it says, whatever `select` keeps besides. Only samplers that edit have it.
   */
  edits?(context: EditContext): Int32Array;
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

/**
 * Candidates in the order in which a sampler takes them, the surest first.
 *
 * @param temperature 0: exactly so. Above: a random order, in which each next candidate is drawn with probability proportional to
 *   exp(value / temperature): Dream's `alg_temp`, multinomial(softmax(value / temperature)) without replacement, by Gumbel noise in
 *   float64 on each value (Kool et al., arXiv 1903.06059, section 2)
 */
export function ranked(context: StepContext, by: 'confidence' | 'certainty', temperature: number): Int32Array {
  if (temperature === 0) return by === 'confidence' ? byConfidence(context) : byCertainty(context);
  const { proposal, candidates, random } = context;
  const values = proposal[by];
  if (values === undefined) throw new Error('the proposal was not measured');
  const noisy = new Float64Array(values.length);
  for (const index of candidates) {
    noisy[index] = (values[index] || 0) / temperature + gumbel(random(proposal.positions[index], 0));
  }
  return byFalling(context, noisy);
}

/** How samplers that keep a number of tokens a step choose among them. */
export interface Ranking {
  /** Noise on the order, see `ranked`; 0: none. */
  readonly positionTemperature?: number;
  /** Positions from one token to the next that is kept at the same step, see `spaced`; 1: any. */
  readonly spacing?: number;
}

/**
 * The first `count` of an order that lie `spacing` positions apart; where there are not so many, those passed over fill up, in order.
 * Neighbours that are drawn from one evaluation do not know of each other ("is is"), and distant ones matter less to each other
 * (dilated unmasking: Luxembourg et al., arXiv 2506.19037, which fixes the pattern; here the surest lead).
 */
export function spaced({ positions }: Proposal, order: Int32Array, count: number, spacing: number): Int32Array {
  if (spacing <= 1) return order.slice(0, count);
  const chosen: number[] = [];
  const passed: number[] = [];
  for (const index of order) {
    if (chosen.length === count) break;
    const near = chosen.some((other) => Math.abs(positions[other] - positions[index]) < spacing);
    (near ? passed : chosen).push(index);
  }
  return Int32Array.from([...chosen, ...passed.slice(0, count - chosen.length)]);
}

function byFalling({ candidates }: StepContext, values: Float64Array): Int32Array {
  // Minus infinity is a value (no certainty at all); two of them are equal.
  const value = (index: number) => (Number.isNaN(values[index]) ? 0 : values[index]);
  const order = (a: number, b: number) => (value(a) === value(b) ? a - b : value(b) - value(a));
  return candidates.slice().sort(order);
}

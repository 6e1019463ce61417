/**
 * The seam between the loop and whatever decides what may be written: a constraint turns the model's rows into a proposal,
 * one whole text it accepts. The loop keeps a subset of that text, so the text itself remains a way to finish.
 */
import type { ChoiceProbability } from '../../shared/contract/stream.ts';
import type { Measure } from '../lattice/meter.ts';
import type { RowReading } from '../lattice/reading.ts';
import type { RowSummary } from '../lattice/summaries.ts';
import type { Uniform } from './random.ts';

/** The model's distributions at masked positions. */
export interface Rows {
  /** Text positions that are masked and asked for, ascending. */
  readonly positions: Int32Array;
  readonly vocabulary: number;
  /** rows x vocabulary, tempered softmax; empty where there are summaries instead. */
  readonly probabilities: Float32Array;
  /** One for each position, where the device keeps the rows. */
  readonly summaries?: readonly RowSummary[];
}

/** One complete filling of the asked-for positions. */
export interface Proposal {
  /** The positions of the rows. */
  readonly positions: Int32Array;
  readonly tokens: Int32Array;
  /** Exact (constrained) probability of the proposed token at its position, 0..1. */
  readonly confidence: Float64Array;
  /** Where `measure` was asked for: margin or negative entropy of the (constrained) distribution at each position. */
  readonly certainty?: Float64Array;
  /** 1 where nothing else may ever stand, such as the tail behind a settled end: kept at once, outside any sampler's schedule. */
  readonly forced?: Uint8Array;
}

export interface ProposeOptions {
  /** 0: the most likely text; above: one drawn from the distribution (the rows are tempered already). */
  readonly temperature: number;
  /** Uniform in (0, 1), counter-based: depends on seed, step, position and draw only. */
  readonly random: Uniform;
  /** What `certainty` of the proposal is to hold. */
  readonly measure?: Measure;
}

/** What a finished canvas says. */
export interface Finished {
  readonly text: string;
  /** The value of each named hole. */
  readonly holes: Record<string, string>;
  /** Tokens of each named hole's value. */
  readonly holeTokens: Readonly<Record<string, number>>;
}

/** A token that is not there yet, in a canvas of text positions. */
export const MASKED = -1;

export interface Constraint {
  /** Text positions of the canvas. */
  readonly positions: number;
  /** Tokens that stand before the first step, by position (-1: masked): literals, anchored phrases. They are never re-masked. */
  readonly fixed: Int32Array;
  /**
   * One whole filling of all masked positions that the constraint accepts together with what is committed.
   * Committing any subset of it keeps the constraint satisfiable.
   *
   * @param canvas token or -1, one for each text position
   */
  propose(canvas: Int32Array, rows: Rows, options: ProposeOptions): Proposal;
  /** Probability of each choice of the request's choices, by hole, under the rows of this canvas. */
  choiceProbabilities?(canvas: Int32Array, rows: Rows): Readonly<Record<string, readonly ChoiceProbability[]>>;
  /**
   * What `propose`, and with `choices` also `choiceProbabilities`, read of the rows of these positions. Without it a constraint is
   * given whole rows.
   */
  reading?(positions: Int32Array, choices: boolean): RowReading;
  /** Where the text ends, once its first proposal has settled that; undefined where it stays open. All it knows of earlier steps. */
  settledEnd?(): number | undefined;
  /**
   * Takes a text up behind its first proposal, with the end that was settled.
   *
   * @throws RangeError where the text cannot end there
   */
  takeUp?(end: number | undefined): void;
  /** The finished canvas -> text and hole values. */
  finish(canvas: Int32Array): Finished;
}

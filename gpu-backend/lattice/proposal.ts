/**
 * What a proposal is drawn from, how, and what it is.
 */
import type { Measure } from './meter.ts';
import type { RowSummary } from './summaries.ts';

/** Rows of the model: for each listed text position a probability for every token. */
export interface ProposalRows {
  readonly positions: Int32Array;
  readonly vocabulary: number;
  /** positions x vocabulary; empty where there are summaries instead. */
  readonly probabilities: Float32Array;
  /** One for each position, where the device keeps the rows (summaries.ts). */
  readonly summaries?: readonly RowSummary[];
}

export interface Draw {
  /** 0: the most likely text. */
  readonly temperature: number;
  /** Uniform in (0, 1), from position and draw number alone. */
  readonly random: (position: number, draw: number) => number;
  /** Also measure how certain each position is, beyond the confidence in its token. */
  readonly measure?: Measure;
}

/** A token for every position that lies in a hole, and the constrained probability of those that rows were given for. */
export interface Filling {
  readonly tokens: Int32Array;
  readonly confidence: Float64Array;
  /** Where it was asked for. */
  readonly certainty?: Float64Array;
}

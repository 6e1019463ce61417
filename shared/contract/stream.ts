/**
 * The events of one generation, from the backend to the edge (NDJSON) and from the edge to a reader (server-sent events).
 *
 * The events of a job are numbered from 0. A line of the backend is `{"seq": number, ...event}`; an empty line only says that
 * the connection lives. The edge gives the number as the `id` of its server-sent event.
 *
 * Small deltas, not whole canvases: `accepted` gives the first frame, each `step` what changed, and `shared/contract/frames`
 * rebuilds every frame from them. Positions count the text part of the canvas, from 0; conditioning is not shown.
 */
import type { Problem } from './problem.ts';

/** The text of one token at one position. */
export interface TokenText {
  readonly position: number;
  /** The token's text; '' for the end-of-text tail. Where the token is not whole UTF-8, U+FFFD stands for the broken part. */
  readonly text: string;
  /** The token's exact bytes in hexadecimal, given only where `text` cannot say them. */
  readonly bytes?: string;
}

export interface CommittedToken extends TokenText {
  /** Probability of this token here under model and constraint together, 0..1. */
  readonly confidence: number;
}

export interface AcceptedEvent {
  readonly type: 'accepted';
  readonly id: string;
  readonly model: string;
  readonly revision: string;
  readonly seed: number;
  /** Which of the n texts of the request this is, from 0. */
  readonly index: number;
  /** Positions of the text part of the canvas. */
  readonly positions: number;
  /** Tokens that stand before the first step: literal text of the template, anchored phrases. */
  readonly fixed: readonly TokenText[];
  /** The most denoising steps that will run. */
  readonly steps: number;
}

export interface StepEvent {
  readonly type: 'step';
  readonly index: number;
  /** Number of this step, from 1. */
  readonly step: number;
  readonly committed: readonly CommittedToken[];
  /** Positions masked again. One that is also in `committed` was replaced: it is emptied first, then filled. */
  readonly remasked: readonly number[];
  readonly masks_left: number;
  /**
   * Given where the sampler may change what it kept: positions from the left that change no more. Without it, what stands left of
   * the first mask is settled.
   */
  readonly settled?: number;
}

/** One constraint of the request, by JSON Pointer, and that the independent checker found it to hold. */
export interface HeldConstraint {
  readonly pointer: string;
  /** In words: 'at most 160 characters (137)'. */
  readonly constraint: string;
  readonly held: true;
}

export interface Usage {
  /** Positions of the text part of the canvas. */
  readonly positions: number;
  /** Denoising steps that ran. */
  readonly denoising_steps: number;
  /** Forward passes of the model (guidance doubles them). */
  readonly model_evaluations: number;
  /** Sum over the model evaluations of the canvas positions each computed. */
  readonly positions_evaluated: number;
  readonly committed_per_step: number;
}

/** How likely one choice is under the model, the canvas and everything else that must hold, 0..1. */
export interface ChoiceProbability {
  readonly choice: string;
  readonly probability: number;
}

export interface DoneEvent {
  readonly type: 'done';
  readonly index: number;
  readonly text: string;
  /** The value of each named hole of the template. */
  readonly holes: Readonly<Record<string, string>>;
  readonly constraints: readonly HeldConstraint[];
  /** By hole ('text' for a text of choices), in the order of the request; where `choice_probabilities` was asked for. */
  readonly choice_probabilities?: Readonly<Record<string, readonly ChoiceProbability[]>>;
  readonly usage: Usage;
}

export interface ProblemEvent {
  readonly type: 'problem';
  readonly problem: Problem;
}

/** What a generation that goes well consists of. */
export type ProgressEvent = AcceptedEvent | StepEvent | DoneEvent;

export type GenerationEvent = ProgressEvent | ProblemEvent;

/** An event as a line of the backend has it. */
export type NumberedEvent = GenerationEvent & { readonly seq: number };

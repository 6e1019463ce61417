/**
 * `POST /v1/decisions`: the request and its answer.
 */
import * as v from 'valibot';
import type { CacheStatus } from './answer.ts';
import { cacheSchema } from './generation.ts';
import type { PricedUsage } from './price.ts';
import { questionsSchema, stateSchema } from './questions.ts';

/** Biases that can be taken out: `prior`, of an option's wording; `order`, of its place in a list; true: both; false: neither. */
export const DEBIASES = ['prior', 'order'] as const;

export const decisionSchema = v.strictObject({
  model: v.optional(v.string()),
  state: stateSchema,
  questions: questionsSchema,
  debias: v.optional(v.union([v.boolean(), v.picklist(DEBIASES)])),
  seed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))),
  cache: v.optional(cacheSchema),
});
export type DecisionRequest = v.InferOutput<typeof decisionSchema>;
export type Debias = NonNullable<DecisionRequest['debias']>;

export const DEFAULT_DEBIAS: Debias = 'prior';

export interface ChoiceAnswer {
  readonly id: string;
  readonly type: 'choice';
  /** The most probable one. */
  readonly choice: string;
  /** In the order of the request; they sum to 1. */
  readonly probabilities: readonly { readonly choice: string; readonly probability: number }[];
}

export interface YesNoAnswer {
  readonly id: string;
  readonly type: 'yes_no';
  readonly choice: 'yes' | 'no';
  /** That the answer is yes. */
  readonly probability: number;
}

export interface ScoreAnswer {
  readonly id: string;
  readonly type: 'score';
  /** Mean of the distribution. */
  readonly expected: number;
  readonly median: number;
  /** The most probable level. */
  readonly mode: number;
  /** By level, ascending; they sum to 1. */
  readonly probabilities: readonly { readonly score: number; readonly probability: number }[];
}

/** Each with the number of model evaluations it took. */
export type QuestionAnswer = (ChoiceAnswer | YesNoAnswer | ScoreAnswer) & { readonly model_evaluations: number };

export interface DecisionAnswer {
  readonly id: string;
  readonly object: 'decision';
  readonly model: string;
  readonly revision: string;
  /** In the order of the questions. */
  readonly answers: readonly QuestionAnswer[];
  readonly debias: Debias;
  /** Whether the probabilities were brought to a temperature that was fitted to this model and this way of debiasing. */
  readonly calibrated: boolean;
  readonly usage: PricedUsage;
  readonly cache: CacheStatus;
}

/**
 * Questions over a state, as the edge validates them and the service answers them: what may be asked, which options a question has, and
 * how often the model is evaluated for it.
 */
import * as v from 'valibot';

/** Bounds of a decision; docs/decisions.md lists them. */
export const DECISION_LIMITS = {
  questions: 32,
  idCharacters: 64,
  questionCharacters: 1_000,
  stateCharacters: 16_000,
  /** Values of a state that is an object, those of nested objects among them. */
  stateValues: 256,
  /** Options of one question: choices, or levels of a score. */
  options: 256,
  choiceCharacters: 400,
  /** Absolute value of a bound of a score. */
  score: 1_000_000,
  /** Orders in which the options of one question are listed. */
  orders: 8,
} as const;

const text = (max: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(max));
const bound = v.pipe(v.number(), v.minValue(-DECISION_LIMITS.score), v.maxValue(DECISION_LIMITS.score));

const asked = {
  /** Names the answer; unique in its request. */
  id: text(DECISION_LIMITS.idCharacters),
  question: text(DECISION_LIMITS.questionCharacters),
};

export const questionSchema = v.variant('type', [
  v.strictObject({
    ...asked,
    type: v.literal('choice'),
    choices: v.pipe(
      v.array(text(DECISION_LIMITS.choiceCharacters)),
      v.minLength(2),
      v.maxLength(DECISION_LIMITS.options),
    ),
  }),
  v.strictObject({ ...asked, type: v.literal('yes_no') }),
  v.strictObject({
    ...asked,
    type: v.literal('score'),
    min: bound,
    max: bound,
    /** Between two levels; 1 by default. */
    step: v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(DECISION_LIMITS.score))),
  }),
]);
export type Question = v.InferOutput<typeof questionSchema>;
export type ScoreQuestion = Extract<Question, { type: 'score' }>;

export const stateSchema = v.union([text(DECISION_LIMITS.stateCharacters), v.record(v.string(), v.unknown())]);
export type State = v.InferOutput<typeof stateSchema>;

export const questionsSchema = v.pipe(v.array(questionSchema), v.minLength(1), v.maxLength(DECISION_LIMITS.questions));

/** What a job is asked to decide, nothing left to chance. */
export const decisionSpecSchema = v.strictObject({
  state: stateSchema,
  questions: questionsSchema,
  /** Whether the options are listed in several orders, where they are listed at all. */
  order: v.boolean(),
  /** Whether what the options weigh without the state is divided out. */
  prior: v.boolean(),
  /** Divides the logarithms of the probabilities; absent where none was fitted to the model. */
  temperature: v.optional(v.pipe(v.number(), v.gtValue(0))),
});
export type DecisionSpec = v.InferOutput<typeof decisionSpecSchema>;

/** Levels of a score, ascending. A last step that would pass `max` is left out. */
export function levelsOf({ min, max, step = 1 }: ScoreQuestion): number[] {
  // Decimal fractions are not binary ones: 0.1 * 3 would be spelled with 17 digits.
  const level = (i: number) => Number((min + i * step).toFixed(9));
  return Array.from({ length: Math.floor((max - min) / step + 1e-9) + 1 }, (_, i) => level(i));
}

/** What is written for each option of a question, in its order. */
export function optionsOf(question: Question): readonly string[] {
  switch (question.type) {
    case 'choice':
      return question.choices;
    case 'yes_no':
      return ['yes', 'no'];
    case 'score':
      return levelsOf(question).map(String);
  }
}

/**
 * In how many orders the options of a question are listed for the model.
 * @param lists whether this model is told the options at all
 */
export function ordersOf(question: Question, { order }: Pick<DecisionSpec, 'order'>, lists: boolean): number {
  // A score is said by its bounds: there is nothing to put in order.
  if (!order || !lists || question.type === 'score') return 1;
  return Math.min(optionsOf(question).length, DECISION_LIMITS.orders);
}

/** Model evaluations of one question. */
export function evaluationsOf(question: Question, spec: Pick<DecisionSpec, 'order' | 'prior'>, lists: boolean): number {
  return ordersOf(question, spec, lists) * (spec.prior ? 2 : 1);
}

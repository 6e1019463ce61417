/** From the body of a decision to a job in which nothing is left to chance, or to the reason why there is none. */
import type { Context } from 'hono';
import { DEFAULT_DEBIAS, type Debias, decisionSchema } from '../../shared/contract/decision.ts';
import type { ModelDecisions } from '../../shared/contract/manifest.ts';
import { problem } from '../../shared/contract/problem.ts';
import {
  DECISION_LIMITS,
  type DecisionSpec,
  evaluationsOf,
  levelsOf,
  optionsOf,
  type Question,
  type ScoreQuestion,
  type State,
} from '../../shared/contract/questions.ts';
import { findModel, readModels } from '../backends/models.ts';
import type { EdgeTypes } from '../env.ts';
import { jobIdentifier } from '../identifier.ts';
import { DEADLINE_MS, type Prepared } from './prepare.ts';
import { validate } from './validate.ts';

/** Nothing is drawn: every seed gives the same answer. */
const SEED = 0;

/**
 * Validates a decision, finds its model and refuses what cannot be decided. No model runs here.
 * @throws ProblemError whichever refusal is due
 */
export async function prepareDecision(c: Context<EdgeTypes>, body: unknown): Promise<Prepared> {
  const { model: name, state, questions, debias = DEFAULT_DEBIAS, seed = SEED, cache } = validate(decisionSchema, body);
  refuseState(state);
  refuseQuestions(questions);
  const model = findModel(await readModels(c.env), name);
  const decision = specOf({ state, questions }, debias, model.decisions);
  const lists = model.decisions?.lists_options ?? true;
  return {
    job: {
      id: jobIdentifier(c.var.requestId),
      request: { model: model.id, seed, n: questions.length, decision, ...(cache === undefined ? {} : { cache }) },
      deadline_ms: DEADLINE_MS,
      owner: c.var.caller.account,
    },
    model,
    deterministic: true,
    most: questions.map((question) => ({
      positions: model.context,
      denoising_steps: evaluationsOf(question, decision, lists),
    })),
  };
}

/** What is not said is settled here, so that the answer is that of the request: a model whose temperature is fitted anew answers anew. */
function specOf(
  asked: Pick<DecisionSpec, 'state' | 'questions'>,
  debias: Debias,
  decisions: ModelDecisions | undefined,
): DecisionSpec {
  const prior = debias === true || debias === 'prior';
  const order = debias === true || debias === 'order';
  const temperature = decisions?.temperature?.[prior ? 'prior' : 'plain'];
  return { ...asked, prior, order, ...(temperature === undefined ? {} : { temperature }) };
}

function refuseQuestions(questions: readonly Question[]): void {
  const ids = new Set<string>();
  questions.forEach((question, index) => {
    const at = `/questions/${index}`;
    if (ids.has(question.id)) throw repeated(`${at}/id`, question.id, 'id');
    ids.add(question.id);
    if (question.type === 'score') refuseScore(question, at);
    const options = optionsOf(question);
    options.forEach((option, i) => {
      if (options.indexOf(option) < i) throw repeated(`${at}/choices/${i}`, option, 'choice');
    });
  });
}

function repeated(pointer: string, given: string, what: string) {
  const detail = `The field ${pointer} must be another ${what}; ${JSON.stringify(given.slice(0, 80))} is there already.`;
  return problem('invalid_request', detail, { pointer });
}

function refuseScore(question: ScoreQuestion, at: string): void {
  const { min, max, step = 1 } = question;
  if (min >= max) {
    const detail = `The field ${at}/max must be more than min, which is ${min}; ${max} was given.`;
    throw problem('invalid_request', detail, { pointer: `${at}/max` });
  }
  const pointer = question.step === undefined ? `${at}/max` : `${at}/step`;
  // Before any is made: a million levels take memory.
  const levels = (max - min) / step + 1;
  if (levels > DECISION_LIMITS.options + 0.5) {
    const detail = `A score has at most ${DECISION_LIMITS.options} levels; from ${min} to ${max} in steps of ${step} there are ${Math.floor(levels)}.`;
    throw problem('invalid_request', detail, { pointer });
  }
  const last = levelsOf(question).at(-1);
  if (last === Number(max.toFixed(9))) return;
  const detail = `From ${min} in steps of ${step} one comes to ${last} and not to max, which is ${max}.`;
  throw problem('invalid_request', detail, { pointer });
}

function refuseState(state: State): void {
  if (typeof state === 'string') return;
  const values = countValues(state);
  if (values === 0) {
    throw problem('invalid_request', 'The field /state must have at least one value; it has none.', {
      pointer: '/state',
    });
  }
  if (values > DECISION_LIMITS.stateValues) {
    const detail = `The field /state may have ${DECISION_LIMITS.stateValues} values; it has ${values}.`;
    throw problem('invalid_request', detail, { pointer: '/state' });
  }
  const characters = JSON.stringify(state).length;
  if (characters <= DECISION_LIMITS.stateCharacters) return;
  const detail = `The field /state may have ${DECISION_LIMITS.stateCharacters} characters as JSON; it has ${characters}.`;
  throw problem('invalid_request', detail, { pointer: '/state' });
}

/** Values that are neither objects nor lists. */
function countValues(value: unknown): number {
  if (value === null || typeof value !== 'object') return 1;
  return Object.values(value).reduce((sum: number, member) => sum + countValues(member), 0);
}

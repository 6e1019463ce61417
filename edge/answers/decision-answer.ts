/** The answer to a decision, from the events of its questions. */
import type {
  ChoiceAnswer,
  Debias,
  DecisionAnswer,
  QuestionAnswer,
  ScoreAnswer,
} from '../../shared/contract/decision.ts';
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { type DecisionSpec, levelsOf, type Question, type ScoreQuestion } from '../../shared/contract/questions.ts';
import type { DoneEvent } from '../../shared/contract/stream.ts';
import { backendFailed } from '../backends/backend.ts';
import { collect, totalUsage } from './answer.ts';
import type { PricedProgress } from './priced.ts';

export async function decisionAnswer(
  events: AsyncIterable<PricedProgress>,
  { id, request }: GenerationJob,
): Promise<Omit<DecisionAnswer, 'cache'>> {
  const { decision } = request;
  const {
    accepted: [accepted],
    done,
  } = await collect(events);
  if (decision === undefined) throw new Error('the job asks no questions');
  return {
    id,
    object: 'decision',
    model: accepted.model,
    revision: accepted.revision,
    answers: decision.questions.map((question, i) => questionAnswer(question, done[i])),
    debias: debiasOf(decision),
    calibrated: decision.temperature !== undefined,
    usage: totalUsage(done.map(({ usage }) => usage)),
  };
}

function debiasOf({ prior, order }: DecisionSpec): Debias {
  if (prior) return order ? true : 'prior';
  return order ? 'order' : false;
}

function questionAnswer(question: Question, { text, choice_probabilities, usage }: DoneEvent): QuestionAnswer {
  const probabilities = choice_probabilities?.text;
  if (probabilities === undefined) throw backendFailed('it gave no probabilities');
  const { id } = question;
  const cost = { model_evaluations: usage.model_evaluations };
  switch (question.type) {
    case 'choice':
      return { id, type: 'choice', choice: text, probabilities, ...cost };
    case 'yes_no':
      return {
        id,
        type: 'yes_no',
        choice: text === 'yes' ? 'yes' : 'no',
        probability: probabilities[0].probability,
        ...cost,
      };
    case 'score':
      return { id, type: 'score', ...scoreOf(question, probabilities), ...cost };
  }
}

function scoreOf(question: ScoreQuestion, given: ChoiceAnswer['probabilities']): Omit<ScoreAnswer, 'id' | 'type'> {
  const probabilities = levelsOf(question).map((score, i) => ({ score, probability: given[i].probability }));
  const mode = probabilities.reduce((best, level) => (level.probability > best.probability ? level : best)).score;
  let below = 0;
  const median = probabilities.find(({ probability }) => {
    below += probability;
    return below >= 0.5;
  });
  return {
    expected: probabilities.reduce((sum, { score, probability }) => sum + score * probability, 0),
    // Rounding may leave a sum of 0.5 just below.
    median: (median ?? probabilities[probabilities.length - 1]).score,
    mode,
    probabilities,
  };
}

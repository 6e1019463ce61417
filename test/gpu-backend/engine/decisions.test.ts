/** Questions as an engine answers them: each by itself, one evaluation a canvas, whatever else is asked. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkText } from '../../../gpu-backend/check.ts';
import { createEngine } from '../../../gpu-backend/engine/engine.ts';
import { eagerReader } from '../../../gpu-backend/engine/reader.ts';
import { fixedModels } from '../../../gpu-backend/model/pool.ts';
import type { Manifest } from '../../../shared/contract/manifest.ts';
import { ProblemError } from '../../../shared/contract/problem.ts';
import type { DecisionSpec, Question } from '../../../shared/contract/questions.ts';
import { collect } from '../collect.ts';
import { tinyModel, tinySession, tokenizer } from '../tiny-model.ts';

const live = eagerReader(new AbortController().signal);

const CHAT: Partial<Manifest> = { conditioning: { kind: 'chat' }, context: 512 };

/** Events of a decision by the tiny model, and what its session was asked. */
async function decide(spec: Partial<DecisionSpec> & Pick<DecisionSpec, 'questions'>, changes: Partial<Manifest> = {}) {
  const session = tinySession();
  const chat = ([{ content }]: readonly { content: string }[]) => tokenizer.encode(content);
  const model = { ...tinyModel(session, changes), tokenizer: { ...tokenizer, chat } };
  const engine = createEngine({ models: fixedModels([model]), check: checkText });
  const decision = { state: 'It rained.', order: false, prior: true, ...spec };
  const request = { model: 'tiny', seed: 0, n: spec.questions.length, decision };
  const events = await collect(engine.generate({ id: 'd', request }, live));
  const answers = decision.questions.map((_, index) => {
    const done = events.find((event) => event.type === 'done' && event.index === index);
    if (done?.type !== 'done') throw new Error(`question ${index} has no answer`);
    return done;
  });
  return { events, answers, session };
}

const choice = (id: string, choices: readonly string[]): Question => {
  return { id, type: 'choice', question: `About ${id}?`, choices: [...choices] };
};
const probabilities = ({ answers }: Awaited<ReturnType<typeof decide>>, index = 0) =>
  answers[index].choice_probabilities!.text.map(({ probability }) => probability);

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'é', ' ', 'the '), minLength: 1, maxLength: 8 });
const choices = fc.uniqueArray(word, { minLength: 2, maxLength: 5 });

describe('a question', () => {
  it('is answered with probabilities that sum to 1, in one evaluation, or two with its prior', async () => {
    await fc.assert(
      fc.asyncProperty(choices, fc.boolean(), async (options, prior) => {
        const { answers, session, events } = await decide({ questions: [choice('x', options)], prior });
        const [{ text, usage, choice_probabilities }] = answers;
        const given = choice_probabilities!.text;
        expect(given.map((one) => one.choice)).toEqual(options);
        expect(given.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 9);
        expect(text).toBe(given.reduce((a, b) => (b.probability > a.probability ? b : a)).choice);
        expect(usage.model_evaluations).toBe(prior ? 2 : 1);
        expect(session.calls.reduce((sum, { batch }) => sum + batch, 0)).toBe(prior ? 2 : 1);
        // What is charged by, here and where the steps are counted from the events.
        expect(events.filter(({ type }) => type === 'step')).toHaveLength(usage.denoising_steps);
        expect(events[0]).toMatchObject({ type: 'accepted', positions: usage.positions });
        expect(usage.denoising_steps).toBe(usage.model_evaluations);
      }),
      { numRuns: 25 },
    );
  });

  it('is answered as it would be without its neighbours, whatever their number and order', async () => {
    const questions = [choice('one', ['a', 'bé']), { id: 'two', type: 'yes_no', question: 'Is it?' } as const];
    const third: Question = { id: 'three', type: 'score', question: 'How much?', min: 0, max: 1, step: 0.25 };
    const asked = [...questions, third];
    const [all, turned] = [await decide({ questions: asked }), await decide({ questions: asked.toReversed() })];
    for (const [index, question] of asked.entries()) {
      const alone = probabilities(await decide({ questions: [question] }));
      expect(probabilities(all, index)).toEqual(alone);
      expect(probabilities(turned, asked.length - 1 - index)).toEqual(alone);
    }
  });

  it('is answered otherwise about another state, and alike about an object written in another order', async () => {
    const questions = [choice('x', ['a', 'b', 'c'])];
    const [wet, dry] = [await decide({ questions }), await decide({ questions, state: 'It was dry.' })];
    expect(probabilities(wet)).not.toEqual(probabilities(dry));
    const [one, other] = [
      await decide({ questions, state: { a: 1, b: 2 } }),
      await decide({ questions, state: { b: 2, a: 1 } }),
    ];
    expect(probabilities(one)).toEqual(probabilities(other));
  });

  it('has the same probabilities by option however they are ordered, where none is told', async () => {
    await fc.assert(
      fc.asyncProperty(choices, async (options) => {
        const given = probabilities(await decide({ questions: [choice('x', options)] }));
        const turned = probabilities(await decide({ questions: [choice('x', options.toReversed())] }));
        turned.reverse().forEach((probability, i) => {
          expect(probability).toBeCloseTo(given[i], 9);
        });
      }),
      { numRuns: 15 },
    );
  });

  it('that does not fit the context is refused, by the state or by the question alone', async () => {
    const refused = async (spec: Parameters<typeof decide>[0]) => {
      const reason = await decide(spec).catch((thrown: unknown) => thrown);
      if (!(reason instanceof ProblemError)) throw reason;
      return reason.problem;
    };
    const questions = [choice('a', ['x', 'y']), choice('b', ['x', 'y'])];
    expect(await refused({ questions, state: 'r'.repeat(200) })).toMatchObject({
      code: 'limit_exceeded',
      pointer: '/state',
    });
    const long: Question = { id: 'c', type: 'yes_no', question: 'r'.repeat(200) };
    expect(await refused({ questions: [...questions, long] })).toMatchObject({ pointer: '/questions/2' });
  });
});

describe('options that a model is told', () => {
  const told = (options: readonly string[], order: boolean) =>
    decide({ questions: [choice('x', options)], order }, CHAT);

  it('have another probability in another order, and the same where the order is debiased', async () => {
    const options = ['calm', 'sad', 'glad'];
    const permuted = ['glad', 'calm', 'sad'];
    const place = permuted.map((option) => options.indexOf(option));
    const [plain, other] = [probabilities(await told(options, false)), probabilities(await told(permuted, false))];
    expect(other[0]).not.toBeCloseTo(plain[place[0]], 6);
    const [even, again] = [await told(options, true), await told(permuted, true)];
    probabilities(again).forEach((probability, i) => {
      expect(probability).toBeCloseTo(probabilities(even)[place[i]], 9);
    });
    expect(even.answers[0].usage.model_evaluations).toBe(6); // three orders, with and without the state
  });

  it('are listed in eight orders at most, and a score in none', async () => {
    const many = Array.from({ length: 20 }, (_, i) => `option ${i}`);
    expect((await told(many, true)).answers[0].usage.model_evaluations).toBe(16);
    const score: Question = { id: 's', type: 'score', question: 'How much?', min: 1, max: 5 };
    expect((await decide({ questions: [score], order: true }, CHAT)).answers[0].usage.model_evaluations).toBe(2);
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import type { DecisionAnswer } from '../../shared/contract/decision.ts';
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { optionsOf, type Question } from '../../shared/contract/questions.ts';
import { edge, model, ndjson } from './upstream.ts';

const QUESTIONS: Question[] = [
  { id: 'tone', type: 'choice', question: 'The tone is', choices: ['calm', 'angry', 'glad'] },
  { id: 'refund', type: 'yes_no', question: 'Does the customer want a refund?' },
  { id: 'urgency', type: 'score', question: 'Urgency from 0 to 1:', min: 0, max: 1, step: 0.1 },
];

/** Every option weighs its place from the end: the first is the likeliest, and of a score the least. */
function decided(job: GenerationJob) {
  const { questions, prior } = job.request.decision!;
  const evaluations = prior ? 2 : 1;
  const head = { id: job.id, model: job.request.model, revision: model.revision, seed: job.request.seed };
  const each = questions.map((question, index) => {
    const options = optionsOf(question);
    const sum = (options.length * (options.length + 1)) / 2;
    const steps = Array.from({ length: evaluations }, (_, i) => ({
      ...{ type: 'step', index, step: i + 1, committed: [], remasked: [], masks_left: 0 },
    }));
    const text = options.map((choice, i) => ({ choice, probability: (options.length - i) / sum }));
    const usage = {
      ...{ positions: 20, denoising_steps: evaluations, model_evaluations: evaluations },
      ...{ positions_evaluated: 32, committed_per_step: 0 },
    };
    return [
      { type: 'accepted', ...head, index, positions: 20, fixed: [], steps: evaluations },
      ...steps,
      { type: 'done', index, text: options[0], holes: {}, constraints: [], choice_probabilities: { text }, usage },
    ];
  });
  return ndjson(each.flat());
}

let upstream: Awaited<ReturnType<typeof edge>>;
beforeAll(async () => {
  upstream = await edge();
  upstream.state.behave = decided;
});

const post = (body: object) => upstream.sendJson('/v1/decisions', upstream.key, body);

/** The cache outlives a test, so each asks for something nobody else asks for. */
const state = () => `A letter, ${crypto.randomUUID()}.`;

async function decide(body: object): Promise<DecisionAnswer> {
  const response = await post(body);
  if (response.status !== 200) throw new Error(await response.text());
  return (await response.json()) as DecisionAnswer;
}

describe('POST /v1/decisions', () => {
  it('answers every question in its own form, in the order of the request', async () => {
    const answer = await decide({ state: state(), questions: QUESTIONS });
    expect(answer).toMatchObject({
      id: expect.stringMatching(/^gen_[0-9a-z]{24}$/),
      ...{ object: 'decision', model: 'small', revision: 'r1', debias: 'prior', calibrated: false },
      // An evaluation is a step: 20 positions x 2, at 50,000 micro-dollars a million, three times.
      usage: {
        positions: 60,
        denoising_steps: 6,
        model_evaluations: 6,
        price: { origin: 'computed', micro_dollars: 6 },
      },
      cache: { status: 'miss' },
    });
    const [tone, refund, urgency] = answer.answers;
    expect(tone).toEqual({
      ...{ id: 'tone', type: 'choice', choice: 'calm', model_evaluations: 2 },
      probabilities: [
        { choice: 'calm', probability: 1 / 2 },
        { choice: 'angry', probability: 1 / 3 },
        { choice: 'glad', probability: 1 / 6 },
      ],
    });
    expect(refund).toEqual({ id: 'refund', type: 'yes_no', choice: 'yes', probability: 2 / 3, model_evaluations: 2 });
    if (urgency.type !== 'score') throw new Error('not a score');
    // Decimal levels are spelled as decimals: 0.3, and not 0.30000000000000004.
    expect(urgency.probabilities.map(({ score }) => score)).toEqual([
      0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1,
    ]);
    expect(urgency).toMatchObject({ mode: 0, median: 0.3 });
    expect(urgency.expected).toBeCloseTo(1 / 3, 9);
  });

  it('is one job for all questions, in which nothing is left open', async () => {
    const before = upstream.generations();
    const asked = state();
    await decide({ state: asked, questions: QUESTIONS, debias: true });
    expect(upstream.generations()).toBe(before + 1);
    expect(upstream.jobs.at(-1)!.request).toEqual({
      ...{ model: 'small', seed: 0, n: 3 },
      decision: { state: asked, questions: QUESTIONS, prior: true, order: true },
    });
  });

  it.each([
    [undefined, { prior: true, order: false, temperature: 1.5 }, 'prior'],
    [true, { prior: true, order: true, temperature: 1.5 }, true],
    ['order', { prior: false, order: true, temperature: 8 }, 'order'],
    [false, { prior: false, order: false, temperature: 8 }, false],
  ])('with debias %s takes the temperature fitted to that', async (debias, settled, said) => {
    const other = await edge();
    other.state.behave = decided;
    other.state.models = [{ ...model, decisions: { temperature: { plain: 8, prior: 1.5 }, lists_options: false } }];
    const body = { state: state(), questions: QUESTIONS.slice(0, 1), debias };
    const response = await other.sendJson('/v1/decisions', other.key, body);
    expect(await response.json()).toMatchObject({ debias: said, calibrated: true });
    expect(other.jobs[0].request.decision).toMatchObject(settled);
  });

  it('is answered from the cache the second time, also where an object is written in another order', async () => {
    const note = state();
    const before = upstream.generations();
    const first = await decide({ state: { note, stars: 2 }, questions: QUESTIONS });
    await upstream.settled(); // it is kept behind its answer
    const second = await decide({ questions: QUESTIONS, state: { stars: 2, note } });
    expect(second.cache).toMatchObject({ status: 'hit' });
    expect(second.answers).toEqual(first.answers);
    expect(upstream.generations()).toBe(before + 1);
    await decide({ state: { note, stars: 2 }, questions: QUESTIONS, cache: 'no-store' });
    await decide({ state: { note, stars: 3 }, questions: QUESTIONS });
    expect(upstream.generations()).toBe(before + 3);
  });
});

const question = QUESTIONS[0];
const score = QUESTIONS[2];
const REFUSED: [string, object, string, string][] = [
  ['no state', { questions: QUESTIONS }, 'invalid_request', '/state'],
  ['an empty state', { state: '', questions: QUESTIONS }, 'invalid_request', '/state'],
  ['a state without values', { state: { a: {} }, questions: QUESTIONS }, 'invalid_request', '/state'],
  ['a state that is a list', { state: ['a'], questions: QUESTIONS }, 'invalid_request', '/state'],
  ['a state too large', { state: { a: 'x'.repeat(16_000) }, questions: QUESTIONS }, 'invalid_request', '/state'],
  ['no questions', { state: 's', questions: [] }, 'invalid_request', '/questions'],
  [
    'an unknown type',
    { state: 's', questions: [{ ...question, type: 'rank' }] },
    'invalid_request',
    '/questions/0/type',
  ],
  ['an unknown field', { state: 's', questions: [{ ...QUESTIONS[1], min: 1 }] }, 'unknown_field', '/questions/0/min'],
  [
    'a missing field',
    { state: 's', questions: [{ ...question, choices: undefined }] },
    'invalid_request',
    '/questions/0/choices',
  ],
  [
    'one choice',
    { state: 's', questions: [{ ...question, choices: ['a'] }] },
    'invalid_request',
    '/questions/0/choices',
  ],
  [
    'a choice twice',
    { state: 's', questions: [{ ...question, choices: ['a', 'b', 'a'] }] },
    'invalid_request',
    '/questions/0/choices/2',
  ],
  ['an id twice', { state: 's', questions: [question, question] }, 'invalid_request', '/questions/1/id'],
  ['a score upside down', { state: 's', questions: [{ ...score, min: 2 }] }, 'invalid_request', '/questions/0/max'],
  ['too many levels', { state: 's', questions: [{ ...score, step: 1e-9 }] }, 'invalid_request', '/questions/0/step'],
  ['a step past the end', { state: 's', questions: [{ ...score, step: 0.3 }] }, 'invalid_request', '/questions/0/step'],
  ['an unknown way to debias', { state: 's', questions: QUESTIONS, debias: 'surface' }, 'invalid_request', '/debias'],
  ['a temperature', { state: 's', questions: QUESTIONS, temperature: 1 }, 'unknown_field', '/temperature'],
  ['an unknown model', { state: 's', questions: QUESTIONS, model: 'large' }, 'unknown_model', '/model'],
];

describe('a decision is refused before any model runs', () => {
  it.each(REFUSED)('for %s', async (_, body, code, pointer) => {
    const before = upstream.generations();
    const response = await post(body);
    expect(await response.json()).toMatchObject({ code, pointer });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(upstream.generations()).toBe(before);
  });
});

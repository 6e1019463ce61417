/** Texts that are left between two steps and taken up: what comes is what would have come, byte for byte. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TextCheckpoint } from '../../../gpu-backend/denoise/checkpoint.ts';
import { constraintFor } from '../../../gpu-backend/denoise/constraint-for.ts';
import { type ConstraintMaker, prepareTasks } from '../../../gpu-backend/denoise/task.ts';
import { createBatcher } from '../../../gpu-backend/engine/batch.ts';
import { createCounters } from '../../../gpu-backend/engine/counters.ts';
import type { GenerationRequest } from '../../../shared/contract/generation.ts';
import type { Diffusion } from '../../../shared/contract/sampling.ts';
import { plainConstraint } from '../plain-constraint.ts';
import { EOS, manifest, tinyModel, tinySession } from '../tiny-model.ts';
import { oneStep, sent, wholeRun } from './whole-run.ts';

type Request = Partial<GenerationRequest>;

/** Its own model and batcher for each, as on another machine. */
function placeFor(request: Request, makeConstraint: ConstraintMaker = constraintFor, changes = {}) {
  const session = tinySession();
  const model = tinyModel(session, { supports: { editing: true, guidance: true }, ...changes });
  const job = { id: 'r', request: { model: 'tiny', seed: 1, ...request } };
  const [task] = prepareTasks(job, model, makeConstraint);
  const limits = { positions: 10_000, rows: 10_000, canvases: 8, padding: EOS, counters: createCounters() };
  return { task, batcher: createBatcher(session, limits) };
}

const SAMPLERS: readonly Diffusion[] = [
  { sampler: 'low-confidence', spacing: 3 },
  { sampler: 'low-confidence', position_temperature: 0.5 },
  { sampler: 'ancestral' },
  { sampler: 'first-hitting' },
  { sampler: 'remdm', eta: 0.3 },
  { sampler: 'remdm', remask: 'conf' },
  { sampler: 'remdm', remask: 'loop' },
  { sampler: 'confidence' },
  { sampler: 'margin' },
  { sampler: 'entropy', position_temperature: 0.3 },
  { sampler: 'threshold', threshold: 0.1 },
  { sampler: 'factor', factor: 0.5 },
  { sampler: 'entropy-bounded', gamma: 2 },
  { sampler: 'klass', threshold: 0.02, kl_threshold: 2.5 },
  { sampler: 'joint-threshold', threshold: 0.1, edit_threshold: 0.01 },
];

const CONSTRAINTS: readonly Request[] = [
  { length: { unit: 'tokens', max: 24 } },
  { length: { unit: 'words', min: 2, max: 4 }, include: ['the'] },
  { length: { unit: 'characters', min: 12, max: 20 }, exclude: ['x'] },
  { template: 'Dear {{a:words=1..2}}, {{b:characters=5..12}}!' },
  { regex: '[a-z]{3}-[0-9]{4}, (yes|no)( again){1,3}\\.' },
  { json_schema: { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] } },
  { choices: ['the end', 'the beginning', 'neither of them'], choice_probabilities: true },
  { facts: { price: '12' }, template: 'It is {{fact:price}}: {{a:words=1..3}}' },
];

/** What a checkpoint holds beyond canvas and counts. */
function contents({ unchanged, rows, end, choiceProbabilities, memory, editing }: TextCheckpoint): string[] {
  const has: Readonly<Record<string, boolean>> = {
    [`unchanged after ${rows.last?.kind}`]: unchanged,
    'keys and values': rows.known !== undefined,
    'settled end': end !== undefined,
    probabilities: choiceProbabilities !== undefined,
    memory: memory?.some((value) => typeof value === 'number' && value > 0) ?? false,
    'denied wish': editing?.denied.some((token) => token >= 0) ?? false,
    'rounds of editing': (editing?.seen.length ?? 0) > 1,
  };
  return Object.keys(has).filter((name) => has[name]);
}

const settings = fc.record({
  seed: fc.nat(),
  temperature: fc.constantFrom(0, 0.6, 1),
  style: fc.constantFrom(undefined, { name: 'story', strength: 1.5 }),
  place: fc.constantFrom<Diffusion>(
    {},
    { block: 6 },
    { block: 6, kv_cache: 'prefix' },
    { block: 6, kv_cache: 'dual' },
    { block: 8, kv_cache: 'dual' },
  ),
  repetition_penalty: fc.constantFrom(undefined, 2),
  steps: fc.constantFrom(5, 12, 20),
});

/** Left and taken up behind every step: to the end, and for one step from each checkpoint to the next. The checkpoints. */
async function holds(request: Request, makeConstraint?: ConstraintMaker, changes = {}) {
  const place = () => placeFor(request, makeConstraint, changes);
  const { task, batcher } = place();
  const whole = await wholeRun(task, batcher);
  const { steps, checkpoints, ready } = whole;
  for (const [i, from] of checkpoints.entries()) {
    const next = place();
    const rest = await wholeRun(next.task, next.batcher, from);
    expect(sent(rest)).toBe(sent({ steps: steps.slice(i + 1), ready }));
    if (i + 1 === steps.length) {
      expect(rest.asked).toBe(0);
      continue;
    }
    const link = place();
    const { event, checkpoint } = await oneStep(link.task, link.batcher, from);
    expect(JSON.stringify(event)).toBe(JSON.stringify(steps[i + 1]));
    expect(checkpoint).toEqual(checkpoints[i + 1]); // so however often it is left
  }
  return checkpoints;
}

describe('a text that is taken up', () => {
  const tail: Request = { length: { unit: 'tokens', max: 24 } };
  const slow = { sampler: 'ancestral', steps: 24 } as const;
  const editing = { sampler: 'joint-threshold', threshold: 0.02, edit_threshold: 0.01, steps: 24 } as const;

  it.each<[string, Request]>([
    ['settled end', { ...tail, diffusion: { steps: 8 } }],
    ['keys and values', { ...tail, diffusion: { steps: 12, block: 6, kv_cache: 'dual', sampler: 'margin' } }],
    ['probabilities', { choices: ['the end', 'the fox'], choice_probabilities: true, temperature: 0.5 }],
    ['memory', { ...tail, diffusion: { sampler: 'klass', threshold: 0.02, kl_threshold: 2.5, steps: 12 } }],
    ['memory', { ...tail, diffusion: { sampler: 'remdm', remask: 'conf', steps: 12 } }],
    ['rounds of editing', { ...tail, diffusion: editing }],
    [
      'rounds of editing',
      { regex: '[a-z]{24}', diffusion: { ...editing, edit_threshold: 0.016, block: 6, steps: 60 } },
    ],
    ['denied wish', { regex: '[a-z]{3}-[0-9]{4}, (yes|no)( again){1,3}', diffusion: editing }],
    ['unchanged after untempered', { choices: ['the end', 'the fox'], choice_probabilities: true, diffusion: slow }],
    ['unchanged after whole', { ...tail, diffusion: { ...slow, block: 6, kv_cache: 'dual' } }],
    ['unchanged after window', { ...tail, diffusion: { ...slow, block: 6, kv_cache: 'dual' } }],
  ])('goes on with all it knew: %s, %j', async (content, request) => {
    const met: string[] = [];
    for (let seed = 1; seed <= 2; seed++) {
      const checkpoints = await holds({ ...request, seed });
      met.push(...checkpoints.flatMap(contents));
    }
    expect(met).toContain(content);
  });

  it.each(SAMPLERS)('goes on as if it had never been left: %j', async (sampler) => {
    await fc.assert(
      fc.asyncProperty(settings, fc.constantFrom(...CONSTRAINTS), async ({ place, ...rest }, constraint) => {
        const { seed, temperature, style, repetition_penalty, steps } = rest;
        const diffusion = { ...sampler, ...place, repetition_penalty, steps };
        await holds({ ...constraint, seed, temperature, style, diffusion });
      }),
      { numRuns: 3 },
    );
  });

  it.each(SAMPLERS)(
    'does so without any constraint, with a model that looks one position back too: %j',
    async (sampler) => {
      await fc.assert(
        fc.asyncProperty(settings, fc.constantFrom(0, 1), async ({ place, ...rest }, shift) => {
          const { seed, temperature, style, repetition_penalty, steps } = rest;
          const diffusion = { ...sampler, ...place, repetition_penalty, steps };
          await holds({ length: { unit: 'tokens', max: 20 }, seed, temperature, style, diffusion }, plainConstraint, {
            shift,
          });
        }),
        { numRuns: 2 },
      );
    },
  );
});

describe('a checkpoint', () => {
  const long = { length: { unit: 'tokens', min: 128, max: 128 }, temperature: 0.5 } as const;
  const wide = { context: 256 };

  it.each<[string, Diffusion, number]>([
    ['of the default sampler', { block: 64, kv_cache: 'dual', sampler: 'low-confidence', steps: 16 }, 2_000],
    ['that holds a number for each position', { sampler: 'remdm', remask: 'conf', steps: 16 }, 5_000],
    ['that looks back', { sampler: 'klass', block: 64, kv_cache: 'dual', steps: 16 }, 10_000],
    [
      'with rounds of editing',
      { sampler: 'joint-threshold', threshold: 0.02, edit_threshold: 0.01, steps: 40 },
      14_000,
    ],
  ])('takes a few kilobytes for 128 positions, one %s', async (_, diffusion, most) => {
    const { task, batcher } = placeFor({ ...long, diffusion }, plainConstraint, wide);
    const { checkpoints } = await wholeRun(task, batcher);
    expect(checkpoints.length).toBeGreaterThan(5);
    const sizes = checkpoints.map((checkpoint) => JSON.stringify(checkpoint).length);
    expect(Math.max(...sizes)).toBeLessThan(most);
    expect(Math.max(...sizes)).toBeGreaterThan(most / 2); // the bound says something
  });

  it.each<[Diffusion, number]>([
    [{ sampler: 'low-confidence' }, 0],
    [{ sampler: 'klass' }, 1],
    [{ sampler: 'low-confidence', block: 32, kv_cache: 'dual' }, 1],
    [{ sampler: 'klass', block: 32, kv_cache: 'dual' }, 2],
  ])('costs few evaluations to go on from: %j, at most %i', async (diffusion, most) => {
    const request = { ...long, diffusion: { ...diffusion, steps: 12 } };
    const first = placeFor(request, plainConstraint, wide);
    const whole = await wholeRun(first.task, first.batcher);
    const extra: number[] = [];
    for (const from of whole.checkpoints) {
      const { task, batcher } = placeFor(request, plainConstraint, wide);
      const { asked } = await wholeRun(task, batcher, from);
      extra.push(asked - (whole.asked - from.rows.evaluations));
    }
    expect(Math.max(...extra)).toBe(most);
    expect(Math.min(...extra)).toBe(0); // behind the last step
  });

  describe('from outside', () => {
    const request: Request = {
      template: 'Dear {{a:tokens=12}}.',
      diffusion: { block: 6, kv_cache: 'dual', sampler: 'low-confidence', steps: 8 },
    };
    const refusal = async (change: (good: TextCheckpoint) => unknown, other: Request = {}, model = {}) => {
      const first = placeFor(request);
      const { checkpoints } = await wholeRun(first.task, first.batcher);
      const { task, batcher } = placeFor({ ...request, ...other }, constraintFor, model);
      const from = change(checkpoints[2]) as TextCheckpoint;
      return wholeRun(task, batcher, from).then(
        () => 'taken up',
        ({ message }: Error) => message,
      );
    };
    const same = (good: TextCheckpoint) => good;

    it('is taken up as it was handed out', async () => {
      expect(await refusal(same)).toBe('taken up');
    });

    it.each<[string, (good: TextCheckpoint) => unknown, string]>([
      [
        'of another format',
        (good) => ({ ...good, format: 2 }),
        'text 0 of r cannot be taken up: its checkpoint has format 2',
      ],
      ['that is none', () => null, 'format undefined'],
      ['with a member that we do not know', (good) => ({ ...good, more: 1 }), 'malformed at more'],
      ['without a member', ({ rows: _, ...rest }) => rest, 'malformed at rows'],
      ['of another revision', (good) => ({ ...good, revision: 'ffff' }), `revision ffff, this is ${manifest.revision}`],
      ['of another length', (good) => ({ ...good, canvas: good.canvas.slice(1) }), ' positions, the text '],
      ['of another of the n texts', (good) => ({ ...good, index: 1 }), 'of another text'],
      ['of a later step than there is', (good) => ({ ...good, step: 9 }), 'damaged: step 9 of 8'],
      ['with a token that there is not', (good) => ({ ...good, canvas: good.canvas.map(() => 9_999) }), 'token 9999'],
      ['without what is fixed', (good) => ({ ...good, canvas: good.canvas.map(() => -1) }), 'stand from the start'],
      ['of another sampler', (good) => ({ ...good, memory: [1] }), 'looks back on'],
      ['with an end that cannot be', (good) => ({ ...good, end: 3 }), 'no text ends at position 3'],
      [
        'of a block that there is not',
        (good) => ({ ...good, rows: { ...good.rows, known: { block: 7, canvas: good.canvas } } }),
        'block 7 of',
      ],
    ])('is refused, one %s', async (_, change, message) => {
      expect(await refusal(change)).toContain(message);
    });

    it.each<[string, Request]>([
      ['another seed', { seed: 2 }],
      ['another template', { template: 'Dear {{a:tokens=11}}..' }],
      ['another temperature', { temperature: 0.7 }],
      ['no cache', { diffusion: { ...request.diffusion, kv_cache: 'none' } }],
      ['another prompt', { prompt: 'fox' }],
    ])('is refused for a text with %s', async (_, other) => {
      expect(await refusal(same, other)).toContain('is of another text, or of this one set up otherwise');
    });
  });
});

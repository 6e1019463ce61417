/** Texts that are left between two steps and taken up: what comes is what would have come, byte for byte. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { TextCheckpoint } from '../../../gpu-backend/denoise/checkpoint.ts';
import { constraintFor } from '../../../gpu-backend/denoise/constraint-for.ts';
import { type ConstraintMaker, prepareTasks } from '../../../gpu-backend/denoise/task.ts';
import { createBatcher } from '../../../gpu-backend/engine/batch.ts';
import { createCounters } from '../../../gpu-backend/engine/counters.ts';
import type { GenerationRequest } from '../../../shared/contract/generation.ts';
import type { Diffusion } from '../../../shared/contract/sampling.ts';
import { plainConstraint } from '../plain-constraint.ts';
import { EOS, tinyModel, tinySession } from '../tiny-model.ts';
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

/** What the sampled texts came across, so that a test of nothing is noticed. */
const met = new Set<string>();
function note({ unchanged, rows, end, memory, editing }: TextCheckpoint): void {
  if (unchanged) met.add(`unchanged after ${rows.last?.kind}`);
  if (rows.known !== undefined) met.add('keys and values');
  if (end !== undefined) met.add('settled end');
  if (memory?.some((value) => typeof value === 'number' && value > 0)) met.add('memory');
  if (editing?.denied.some((token) => token >= 0)) met.add('denied wish');
  if ((editing?.seen.length ?? 0) > 1) met.add('rounds of editing');
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
  steps: fc.constantFrom(5, 14, 30),
});

/** Left and taken up behind every step: to the end, and for one step from each checkpoint to the next. */
async function holds(request: Request, makeConstraint?: ConstraintMaker, changes = {}): Promise<void> {
  const place = () => placeFor(request, makeConstraint, changes);
  const { task, batcher } = place();
  const whole = await wholeRun(task, batcher);
  const { steps, checkpoints, ready } = whole;
  for (const [i, from] of checkpoints.entries()) {
    note(from);
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
}

describe('a text that is taken up', () => {
  afterAll(() => {
    expect([...met].sort()).toEqual([
      'denied wish',
      'keys and values',
      'memory',
      'rounds of editing',
      'settled end',
      ...['unchanged after untempered', 'unchanged after whole', 'unchanged after window'],
    ]);
  });

  it.each(SAMPLERS)('goes on as if it had never been left: %j', async (sampler) => {
    await fc.assert(
      fc.asyncProperty(settings, fc.constantFrom(...CONSTRAINTS), async ({ place, ...rest }, constraint) => {
        const { seed, temperature, style, repetition_penalty, steps } = rest;
        const diffusion = { ...sampler, ...place, repetition_penalty, steps };
        await holds({ ...constraint, seed, temperature, style, diffusion });
      }),
      { numRuns: 12 },
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
        { numRuns: 5 },
      );
    },
  );
});

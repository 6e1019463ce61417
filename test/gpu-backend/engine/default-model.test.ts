import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkText } from '../../../gpu-backend/check.ts';
import { createEngine, type Engine } from '../../../gpu-backend/engine/engine.ts';
import { eagerReader } from '../../../gpu-backend/engine/reader.ts';
import { fixedModels } from '../../../gpu-backend/model/pool.ts';
import { type LoadedModel, openModel } from '../../../gpu-backend/model/registry.ts';
import { firstFrame, frameText, nextFrame } from '../../../shared/contract/frames.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import type { GenerationEvent } from '../../../shared/contract/stream.ts';
import { collect } from '../collect.ts';

type Request = Partial<GenerationJob['request']>;

const live = eagerReader(new AbortController().signal);
let model: LoadedModel;
let engine: Engine;
beforeAll(async () => {
  const folder = join(import.meta.dirname, '../../../models/default');
  const cacheFolder = await mkdtemp(join(tmpdir(), 'maskwright-'));
  model = await openModel(folder, { device: 'cpu', precision: 'int8', threads: 2, cacheFolder });
  engine = createEngine({ models: fixedModels([model]), check: checkText, capacity: { running: 32 } });
});
afterAll(() => model.session.release());

async function run(request: Request): Promise<GenerationEvent[]> {
  const job = { id: 'r', request: { model: model.manifest.id, seed: 1, ...request } };
  return collect(engine.generate(job, live));
}

const TEMPLATE = 'Dear {{name:words=1..2}}, thank you for {{reason:words=2..8}}.';
const REQUESTS: readonly Request[] = [
  { template: TEMPLATE, style: 'email', seed: 3 },
  { template: TEMPLATE, style: 'email', seed: 3, diffusion: { guidance: 1.5, sampler: 'threshold' } },
  { length: { unit: 'characters', exact: 60 }, style: 'product', seed: 4, temperature: 0.5 },
  {
    include: ['kettle'],
    length: { unit: 'words', min: 5, max: 14 },
    seed: 5,
    diffusion: { sampler: 'ancestral', steps: 12 },
  },
  { template: '{{a:words=3..6}}', temperature: 0, n: 2, diffusion: { block: 4 } },
];

describe('the model that ships, under constraints', () => {
  it('writes the same texts alone and batched with others, each rebuilt by its events and found to hold', async () => {
    const alone: GenerationEvent[][] = [];
    for (const request of REQUESTS) alone.push(await run(request));
    const together = await Promise.all(REQUESTS.map(run));
    const perText = (events: readonly GenerationEvent[]) =>
      [0, 1].map((index) => events.filter((event) => event.type !== 'problem' && event.index === index));
    expect(together.map(perText)).toEqual(alone.map(perText));
    for (const [accepted, ...rest] of alone.flatMap(perText).filter((events) => events.length > 0)) {
      const done = rest.at(-1);
      if (accepted.type !== 'accepted' || done?.type !== 'done') throw new Error('the text has no beginning or no end');
      let frame = firstFrame(accepted);
      for (const event of rest) if (event.type === 'step') frame = nextFrame(frame, event);
      expect(frameText(frame)).toBe(done.text);
      expect(done.usage.denoising_steps).toBeLessThanOrEqual(accepted.steps);
    }
  });

  it('keeps the text of a template byte for byte and fills every hole', async () => {
    for (let seed = 0; seed < 5; seed++) {
      const done = (await run({ template: TEMPLATE, seed })).at(-1);
      if (done?.type !== 'done') throw new Error(done?.type);
      expect(done.text).toBe(`Dear ${done.holes.name}, thank you for ${done.holes.reason}.`);
      expect(done.holes.name.length * done.holes.reason.length).toBeGreaterThan(0);
      expect(done.constraints.map(({ pointer }) => pointer)).toContain('/template');
    }
  });

  it('says how likely each choice is, the same at every temperature', async () => {
    const choices = ['yes', 'no', 'perhaps', 'not at all'];
    const asked = { prompt: 'Is the shop open?', choices, choice_probabilities: true };
    const answers: Record<string, number>[] = [];
    for (const temperature of [0, 0.5, 1]) {
      const done = (await run({ ...asked, temperature })).at(-1);
      if (done?.type !== 'done') throw new Error(done?.type);
      const shares = done.choice_probabilities?.text ?? [];
      expect(shares.map(({ choice }) => choice)).toEqual(choices);
      expect(shares.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 9);
      if (temperature === 0) {
        const likeliest = shares.reduce((best, share) => (share.probability > best.probability ? share : best));
        expect(likeliest.probability).toBeGreaterThan(1 / choices.length);
      }
      answers.push(Object.fromEntries(shares.map(({ choice, probability }) => [choice, probability])));
    }
    for (const choice of choices) {
      expect(answers[1][choice]).toBeCloseTo(answers[0][choice], 6);
      expect(answers[2][choice]).toBeCloseTo(answers[0][choice], 6);
    }
    const template = { template: 'We are {{state}} today.', holes: { state: { choices: ['open', 'closed'] } } };
    const done = (await run({ ...template, choice_probabilities: true })).at(-1);
    if (done?.type !== 'done') throw new Error(done?.type);
    expect(done.choice_probabilities?.state.map(({ choice }) => choice)).toEqual(['open', 'closed']);
  });

  it('refuses to give probabilities of choices where there are none', async () => {
    await expect(run({ template: TEMPLATE, choice_probabilities: true })).rejects.toThrow('choice_probabilities');
  });
});

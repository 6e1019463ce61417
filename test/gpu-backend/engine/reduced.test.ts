/** Texts from rows that stay on the device: valid under every constraint, the likeliest ones those of whole rows, few bytes on the bus. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KINDS, randomRequest, seeded } from '../../../bench/random-requests.ts';
import { checkText } from '../../../gpu-backend/check.ts';
import { createCounters } from '../../../gpu-backend/engine/counters.ts';
import { createEngine } from '../../../gpu-backend/engine/engine.ts';
import { eagerReader } from '../../../gpu-backend/engine/reader.ts';
import { fixedModels } from '../../../gpu-backend/model/pool.ts';
import { type LoadedModel, openModel } from '../../../gpu-backend/model/registry.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import type { GenerationEvent } from '../../../shared/contract/stream.ts';

type Request = Partial<GenerationJob['request']>;
type Done = Extract<GenerationEvent, { type: 'done' }>;

const live = eagerReader(new AbortController().signal);
let cacheFolder: string;
const models = new Map<boolean, LoadedModel>();

beforeAll(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), 'maskwright-reduced-'));
  const folder = join(import.meta.dirname, '../../../models/default');
  for (const reduced of [false, true]) {
    const options = { device: 'cpu', precision: 'float32', threads: 2, cacheFolder, reduced } as const;
    models.set(reduced, await openModel(folder, options));
  }
});
afterAll(async () => {
  for (const model of models.values()) await model.session.release();
  await rm(cacheFolder, { recursive: true });
});

/** The texts of requests that run side by side; undefined for what cannot be satisfied. */
async function write(reduced: boolean, requests: readonly Request[]) {
  const model = models.get(reduced)!;
  const counters = createCounters();
  const engine = createEngine({ models: fixedModels([model]), check: checkText, capacity: { running: 32 }, counters });
  const done = await Promise.all(
    requests.map(async (request, i): Promise<Done | undefined> => {
      const job = { id: `r${i}`, request: { model: model.manifest.id, seed: 1, ...request } } as GenerationJob;
      try {
        for await (const event of engine.generate(job, live)) {
          if (event.type === 'problem') throw new Error(JSON.stringify(event));
          if (event.type === 'done') return event;
        }
      } catch (reason) {
        if (/unsatisfiable|limit_exceeded/.test(JSON.stringify(reason) + String(reason))) return undefined;
        throw reason;
      }
      throw new Error('the text has no end');
    }),
  );
  return { done, counters };
}

describe('a text from rows that stay on the device', () => {
  it('is accepted by the checker under random constraints of every kind', async () => {
    const random = seeded(77);
    const requests = KINDS.flatMap((kind) => Array.from({ length: 6 }, () => randomRequest(kind, random)));
    const { done, counters } = await write(true, requests);
    expect(counters.value('check_failures')).toBe(0);
    expect(done.filter((one) => one !== undefined).length).toBeGreaterThan(0.8 * requests.length);
    expect(counters.value('reduced_bytes')).toBeGreaterThan(0);
  });

  const LIKELIEST: readonly Request[] = [
    { template: 'Dear {{name:words=1..2}}, thank you for {{reason:words=2..8}}.', style: 'email' },
    { length: { unit: 'characters', min: 30, max: 60 }, style: 'product', diffusion: { sampler: 'margin' } },
    { include: ['kettle'], length: { unit: 'words', min: 5, max: 14 }, diffusion: { sampler: 'entropy' } },
    { regex: '[A-Z]{2}-\\d{3,6}', diffusion: { sampler: 'confidence' } },
    { length: { unit: 'words', min: 12, max: 20 }, diffusion: { repetition_penalty: 3 } },
    { choices: ['yes', 'no', 'perhaps'], choice_probabilities: true },
  ];

  it('is at temperature 0 the text of whole rows, with the same probabilities of choices', async () => {
    const requests = LIKELIEST.map((request) => ({ temperature: 0, ...request }));
    const [expected, given] = [await write(false, requests), await write(true, requests)];
    expect(given.done.map((one) => one?.text)).toEqual(expected.done.map((one) => one?.text));
    const [whole, kept] = [expected, given].map(({ done }) => done.at(-1)!.choice_probabilities!.text);
    kept.forEach(({ choice, probability }, i) => {
      expect(choice).toBe(whole[i].choice);
      expect(probability).toBeCloseTo(whole[i].probability, 4);
    });
  });

  it('answers a question as whole rows do', async () => {
    const questions = [
      { id: 'tone', type: 'choice', question: 'The review is', choices: ['good', 'bad', 'écrit en français'] },
    ] as const;
    const decision = { state: 'The soup was cold.', questions: [...questions], order: false, prior: true };
    const request = { n: 1, decision } as unknown as Request;
    const [[whole], [kept]] = [(await write(false, [request])).done, (await write(true, [request])).done];
    kept!.choice_probabilities!.text.forEach(({ probability }, i) => {
      expect(probability).toBeCloseTo(whole!.choice_probabilities!.text[i].probability, 4);
    });
  });

  it('is the same alone and beside others', async () => {
    const requests = LIKELIEST.map((request, i) => ({ temperature: 1, seed: i, ...request }));
    const alone: (string | undefined)[] = [];
    for (const request of requests) alone.push((await write(true, [request])).done[0]?.text);
    expect((await write(true, requests)).done.map((one) => one?.text)).toEqual(alone);
  });

  it('costs the bus a fraction of whole rows', async () => {
    const requests = Array.from(
      { length: 8 },
      (_, seed) => ({ length: { unit: 'tokens', exact: 32 }, seed }) as Request,
    );
    const { done, counters } = await write(true, requests);
    const rows = done.reduce((sum, one) => sum + 33 * (one?.usage.model_evaluations ?? 0), 0);
    // A row of 8,192 float32 is 32 KiB; the fewer its blocks beside its likeliest tokens, the better: 15 times for 126,464 tokens.
    expect(counters.value('reduced_bytes')).toBeGreaterThan(0);
    expect(counters.value('reduced_bytes') / rows).toBeLessThan(4 * 8192 * 0.25);
  });
});

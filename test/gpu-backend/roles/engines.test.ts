/** Several engines in threads of one process: the same texts as of one, and the share of each. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../../gpu-backend/config.ts';
import { eagerReader } from '../../../gpu-backend/engine/reader.ts';
import { type Engines, startEngines } from '../../../gpu-backend/roles/engines.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import { collect } from '../collect.ts';
import { parseExposition } from '../exposition.ts';

const live = eagerReader(new AbortController().signal);
const running: Engines[] = [];
afterEach(async () => {
  for (const engines of running.splice(0)) await engines.stop();
});

async function start(environment: Record<string, string>): Promise<Engines> {
  const config = readConfig({
    ...{ MASKWRIGHT_SECRET: 'a secret of thirty-two characters, and more', MASKWRIGHT_LOG: 'silent' },
    ...{ MASKWRIGHT_MODELS: 'test/fixtures/tiny-llada/tied', MASKWRIGHT_THREADS: '1' },
    MASKWRIGHT_CACHE: await mkdtemp(join(tmpdir(), 'maskwright-')),
    ...environment,
  });
  const engines = startEngines(config, pino({ level: 'silent' }));
  running.push(engines);
  await engines.dispatch.ready;
  return engines;
}

describe('startEngines', () => {
  it('makes the texts of one engine with two, both of which work, and counts them once', async () => {
    const one = await start({});
    const two = await start({ MASKWRIGHT_ENGINES: '2' });
    const model = one.dispatch.models()[0].id;
    const jobs = Array.from({ length: 16 }, (_, seed): GenerationJob => {
      const length = { unit: 'tokens', exact: 4 + 3 * seed } as const;
      return { id: `job-${seed}`, request: { model, seed, length, n: 1 + (seed % 2) } };
    });
    const texts = ({ dispatch }: Engines) =>
      Promise.all(jobs.map(async (job) => (await collect(dispatch.generate(job, live))).filter(isDone).map(textOf)));
    expect(await texts(two)).toEqual(await texts(one));
    const families = parseExposition(await two.dispatch.metrics());
    const value = (name: string) => families.get(`maskwright_${name}`)?.samples.map((sample) => sample.value);
    expect(value('texts_finished_total')).toEqual([24]);
    expect(value('models_loaded')).toEqual([2]);
    expect(await two.dispatch.load()).toMatchObject({ running: 0, room: 6 });
    expect((await one.dispatch.load()).room).toBe(6);
  });

  it('gives each its places, and a part of the memory for models that holds one', async () => {
    const { dispatch } = await start({
      ...{ MASKWRIGHT_ENGINES: '3', MASKWRIGHT_RUNNING: '2', MASKWRIGHT_MODEL_MEMORY_MB: '300' },
    });
    expect((await dispatch.load()).room).toBe(6);
  });

  it('ends as one: asked for without a complaint', async () => {
    const engines = await start({ MASKWRIGHT_ENGINES: '2' });
    await engines.stop();
    await engines.ended;
  });
});

type Event = Awaited<ReturnType<typeof collect>>[number];
const isDone = (event: Event) => event.type === 'done';
const textOf = (event: Event) => (event.type === 'done' ? event.text : '');

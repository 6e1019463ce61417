/** Two real models in one engine: where memory holds only one of them, their texts are those of both loaded. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkText } from '../../../gpu-backend/check.ts';
import { createEngine } from '../../../gpu-backend/engine/engine.ts';
import { eagerReader } from '../../../gpu-backend/engine/reader.ts';
import { readArchitecture } from '../../../gpu-backend/model/config.ts';
import { configuredModels } from '../../../gpu-backend/model/configured.ts';
import { servedBytes } from '../../../gpu-backend/model/memory.ts';
import { createPool, type ModelState } from '../../../gpu-backend/model/pool.ts';
import { readWeights } from '../../../gpu-backend/model/safetensors.ts';
import type { SessionOptions } from '../../../gpu-backend/model/session.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import type { GenerationEvent } from '../../../shared/contract/stream.ts';
import { collect } from '../collect.ts';
import { writeModelFolder } from '../model/model-folder.ts';
import { tinyModel, tinySession } from '../tiny-model.ts';

const live = eagerReader(new AbortController().signal);
let root: string;
let options: SessionOptions;
let folders: string[];
/** The memory of the larger of the two. */
let largest: number;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'maskwright-models-'));
  options = { device: 'cpu', precision: 'int8', threads: 1, cacheFolder: join(root, 'cache') };
  folders = [join(root, 'one'), join(root, 'two')];
  await writeModelFolder(folders[0], { id: 'one', seed: 5 });
  await writeModelFolder(folders[1], { id: 'two', seed: 6, config: { n_layers: 3 } });
  const bytes = folders.map(async (folder) =>
    servedBytes(await readArchitecture(folder), await readWeights(folder), options.precision),
  );
  largest = Math.max(...(await Promise.all(bytes)));
});
afterAll(() => rm(root, { recursive: true }));

async function engineOf(limitBytes?: number) {
  const states: ModelState[] = [];
  const models = await configuredModels(folders, options, { limitBytes, onState: (state) => states.push(state) });
  return { engine: createEngine({ models, check: checkText }), models, states };
}

const jobs = Array.from({ length: 8 }, (_, i): GenerationJob => {
  const template = i % 3 === 0 ? '{{a:tokens=6}}' : 'a {{b:words=1..2}} text';
  return { id: `j${i}`, request: { model: ['one', 'two'][i % 2], seed: i, template } };
});
const textOf = (events: readonly GenerationEvent[]) => {
  const last = events.at(-1);
  if (last?.type !== 'done') throw new Error(last?.type);
  return last.text;
};

describe('an engine of two models', () => {
  it('writes the same texts where memory holds both and where it holds one, in turn and all at once', async () => {
    const both = await engineOf();
    const expected: string[] = [];
    for (const job of jobs) expected.push(textOf(await collect(both.engine.generate(job, live))));
    expect(new Set(expected).size).toBeGreaterThan(4);
    expect(both.states.filter(({ state }) => state === 'ready')).toHaveLength(2);

    const { engine, states } = await engineOf(largest);
    const inTurn: string[] = [];
    for (const job of jobs) inTurn.push(textOf(await collect(engine.generate(job, live))));
    expect(inTurn).toEqual(expected);
    expect(states.filter(({ state }) => state === 'ready')).toHaveLength(jobs.length);

    states.length = 0;
    const atOnce = await Promise.all(jobs.map((job) => collect(engine.generate(job, live))));
    expect(atOnce.map(textOf)).toEqual(expected);
    expect(states.filter(({ state }) => state === 'ready').length).toBeLessThan(jobs.length);
  });

  it('counts the time a model takes to load against the deadline, and lets other jobs run meanwhile', async () => {
    const session = tinySession();
    const models = createPool([
      { summary: tinyModel().summary, bytes: 1, open: async () => tinyModel(session) },
      { summary: { ...tinyModel().summary, id: 'slow' }, bytes: 1, open: () => new Promise(() => {}) },
    ]);
    const engine = createEngine({ models, check: checkText, capacity: { running: 1 } });
    const template = 'a {{b:tokens=2}}';
    const slow: GenerationJob = { id: 's', deadline_ms: 300, request: { model: 'slow', seed: 1, template } };
    const late = expect(collect(engine.generate(slow, live))).rejects.toMatchObject({
      problem: { code: 'deadline_exceeded' },
    });
    const quick = await collect(engine.generate({ id: 'q', request: { ...slow.request, model: 'tiny' } }, live));
    expect(textOf(quick)).toMatch(/^a /);
    expect(engine.load.running).toBe(0);
    await late;
  });

  it('lists both at once, and opens the first', async () => {
    const { engine, states } = await engineOf();
    expect(engine.models.map(({ id }) => id)).toEqual(['one', 'two']);
    const now = new Map(states.map(({ id, state }) => [id, state]));
    expect([...now]).toEqual([
      ['one', 'ready'],
      ['two', 'unloaded'],
    ]);
    expect(states.filter(({ id }) => id === 'one').map(({ phase }) => phase)).toContain('opening');
  });

  it('gives its lease back however a job ends', async () => {
    const { engine, models } = await engineOf(largest);
    const refused = { ...jobs[0], request: { ...jobs[0].request, style: 'noir' } };
    await expect(collect(engine.generate(refused, live))).rejects.toMatchObject({ problem: { code: 'unknown_style' } });
    for await (const event of engine.generate(jobs[0], live)) if (event.type === 'accepted') break;
    const other = await models.use('two', AbortSignal.timeout(5_000));
    expect(other.model.manifest.id).toBe('two');
  });

  it('does not start with a model that the memory can never hold, or a folder that is damaged', async () => {
    await expect(engineOf(1e6)).rejects.toThrow(/one takes \d+ MB of memory, and models may take 1 MB together/);
    await expect(configuredModels([folders[0], join(root, 'none')], options)).rejects.toThrow(join(root, 'none'));
  });
});

/** The model that ships, at its default effort: caches are approximations there, so what is evaluated again has to be the same thing. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareTasks } from '../../../gpu-backend/denoise/task.ts';
import { createBatcher } from '../../../gpu-backend/engine/batch.ts';
import { createCounters } from '../../../gpu-backend/engine/counters.ts';
import { type LoadedModel, openModel } from '../../../gpu-backend/model/registry.ts';
import type { GenerationRequest } from '../../../shared/contract/generation.ts';
import { sent, wholeRun } from './whole-run.ts';

let model: LoadedModel;
beforeAll(async () => {
  const folder = join(import.meta.dirname, '../../../models/default');
  const cacheFolder = await mkdtemp(join(tmpdir(), 'maskwright-'));
  model = await openModel(folder, { device: 'cpu', precision: 'int8', threads: 2, cacheFolder });
});
afterAll(() => model.session.release());

function placeFor(request: Partial<GenerationRequest>) {
  const limits = { positions: 4_096, rows: 4_096, canvases: 8, padding: model.manifest.tokens.pad };
  const [task] = prepareTasks({ id: 'r', request: { model: model.manifest.id, seed: 3, ...request } }, model);
  return { task, batcher: createBatcher(model.session, { ...limits, counters: createCounters() }) };
}

describe('a text by the model that ships, taken up', () => {
  it.each<Partial<GenerationRequest>>([
    { prompt: 'A story about a fox', style: 'story', length: { unit: 'tokens', min: 90, max: 110 } },
    { length: { unit: 'words', min: 60, max: 80 }, diffusion: { guidance: 1, steps: 16 }, style: 'story' },
    {
      length: { unit: 'tokens', min: 90, max: 110 },
      diffusion: { sampler: 'klass', block: 32, kv_cache: 'prefix', steps: 16 },
    },
  ])('goes on as if it had never been left: %j', async (request) => {
    const { task, batcher } = placeFor(request);
    const { steps, checkpoints, ready } = await wholeRun(task, batcher);
    expect(checkpoints.some(({ rows }) => rows.known !== undefined)).toBe(true);
    const inBlock = Math.floor(steps.length / 4);
    const between = checkpoints.findIndex(
      ({ rows }, i) => i > 0 && rows.known?.block !== checkpoints[i - 1].rows.known?.block,
    );
    for (const i of new Set([0, inBlock, between - 1, between, steps.length - 2, steps.length - 1])) {
      if (i < 0) continue;
      const next = placeFor(request);
      const rest = await wholeRun(next.task, next.batcher, checkpoints[i]);
      expect(sent(rest)).toBe(sent({ steps: steps.slice(i + 1), ready }));
    }
  });
});

/** Whole texts through the real engine: the adapter writes what the CPU writes. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkText } from '../../gpu-backend/check.ts';
import { createEngine } from '../../gpu-backend/engine/engine.ts';
import { eagerReader } from '../../gpu-backend/engine/reader.ts';
import type { Device } from '../../gpu-backend/model/device.ts';
import { fixedModels } from '../../gpu-backend/model/pool.ts';
import { openModel } from '../../gpu-backend/model/registry.ts';
import type { GenerationJob } from '../../shared/contract/generation.ts';

type Request = Partial<GenerationJob['request']>;

/** The bar of the issue: this share of seeded requests of 32 tokens has the same text. */
const SAME_SHARE = 0.95;
const TEXTS = 40;
/** A step of 40 canvases takes the software device some ten seconds. */
const STEPS = 3;

const KINDS: readonly Request[] = [
  { style: 'email' },
  { style: 'product', temperature: 0.6 },
  { template: 'Dear {{name:words=1..2}}, thank you for {{reason:words=2..8}}.', style: 'email' },
  { include: ['free'], style: 'sms', diffusion: { sampler: 'margin' } },
  { exclude: ['the'], temperature: 0, style: 'restaurant' },
];
const requests = Array.from({ length: TEXTS }, (_, i): Request => {
  const kind = KINDS[i % KINDS.length];
  const length = { unit: 'tokens', exact: 32 } as const;
  return { length, ...kind, seed: 100 + i, diffusion: { steps: STEPS, ...kind.diffusion } };
});

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'maskwright-webgpu-texts-'));
});
afterAll(() => rm(root, { recursive: true }));

async function write(device: Device): Promise<string[]> {
  const folder = join(import.meta.dirname, '../../models/default');
  const model = await openModel(folder, { device, precision: 'float32', threads: 2, cacheFolder: join(root, 'cache') });
  const engine = createEngine({ models: fixedModels([model]), check: checkText, capacity: { running: TEXTS } });
  const texts = await Promise.all(
    requests.map(async (request, i) => {
      const job = { id: `r${i}`, request: { model: model.manifest.id, ...request } } as GenerationJob;
      for await (const event of engine.generate(job, eagerReader(new AbortController().signal))) {
        if (event.type === 'problem') throw new Error(JSON.stringify(event));
        if (event.type === 'done') return event.text;
      }
      throw new Error('the text has no end');
    }),
  );
  await model.session.release();
  return texts;
}

it(`writes the text of the CPU for ${100 * SAME_SHARE} of 100 seeded requests of 32 tokens`, async () => {
  const expected = await write('cpu');
  const given = await write('webgpu');
  expect(new Set(expected).size).toBeGreaterThan(TEXTS / 2);
  const same = given.filter((text, i) => text === expected[i]).length;
  expect(same / TEXTS, JSON.stringify(given.filter((text, i) => text !== expected[i]))).toBeGreaterThanOrEqual(
    SAME_SHARE,
  );
});

/** Which operands get one quantisation step for all rows, and what comes of it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { calibrate } from '../../../gpu-backend/model/calibrate.ts';
import { readArchitecture } from '../../../gpu-backend/model/config.ts';
import { allProducts } from '../../../gpu-backend/model/products.ts';
import { readWeights } from '../../../gpu-backend/model/safetensors.ts';
import { lladaConfig, writeRandomModel } from './random-model.ts';

const DEFAULT = join(import.meta.dirname, '../../../models/default');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskwright-calibrate-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function stepsOf(path: string): Promise<ReadonlyMap<string, number>> {
  return calibrate(path, await readArchitecture(path), await readWeights(path));
}

describe('calibration', () => {
  it('finds one step behind the norms and the attention of the default model, and none before the last product of a block', async () => {
    const steps = await stepsOf(DEFAULT);
    for (let layer = 0; layer < 4; layer++) {
      const product = (name: string) => steps.get(`blocks.${layer}.${name}`);
      for (const name of ['q_proj', 'attn_out', 'ff_proj']) expect(product(name)).toBeGreaterThan(0);
      expect(product('ff_out')).toBeUndefined();
    }
  });

  it('speaks of the blocks alone: the head reads what guidance and temperature have changed', async () => {
    const path = join(folder, 'small');
    const { architecture } = await writeRandomModel(path, lladaConfig(), 3);
    const names = new Set(allProducts(architecture).map(({ name }) => name));
    const steps = await stepsOf(path);
    expect(steps.size).toBeGreaterThan(0);
    for (const name of steps.keys()) expect(names.has(name) && name.startsWith('blocks.')).toBe(true);
  });

  it('gives the same steps every time', async () => {
    expect(await stepsOf(DEFAULT)).toEqual(await stepsOf(DEFAULT));
  });
});

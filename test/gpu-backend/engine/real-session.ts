/**
 * Real models for tests of the engine: the checkpoints under test/fixtures, on onnxruntime.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadedModel, openModel } from '../../../gpu-backend/model/registry.ts';

/** Opens test/fixtures/`name`. Derived files go to a folder of this run. */
export async function openFixture(name: string, precision: 'float32' | 'int8'): Promise<LoadedModel> {
  const cacheFolder = await mkdtemp(join(tmpdir(), 'maskwright-'));
  const folder = join(import.meta.dirname, '../../fixtures', name);
  return openModel(folder, { device: 'cpu', precision, threads: 1, cacheFolder });
}

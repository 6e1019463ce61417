/**
 * The pool of the models that a service is configured with.
 */

import { servedBytes } from './memory.ts';
import { createPool, type ModelPool, type PooledModel, type PoolOptions } from './pool.ts';
import { openFolder, readModelFolder } from './registry.ts';
import { readWeights } from './safetensors.ts';
import type { SessionOptions } from './session.ts';
import { checkStored } from './source.ts';

/**
 * Reads every folder but its weights, and opens the first model; the others are opened when they are asked for.
 * @throws Error that names the folder where one is not valid, both numbers where a model takes more memory than the limit
 */
export async function configuredModels(
  folders: readonly string[],
  options: SessionOptions,
  pool: PoolOptions = {},
): Promise<ModelPool> {
  const models = createPool(await Promise.all(folders.map((folder) => describe(folder, options))), pool);
  const [first] = models.summaries;
  const lease = await models.use(first.id, new AbortController().signal);
  lease.release();
  return models;
}

async function describe(folder: string, options: SessionOptions): Promise<PooledModel> {
  try {
    const read = await readModelFolder(folder);
    const weights = await readWeights(folder);
    checkStored(read.architecture, weights);
    return {
      summary: read.summary,
      bytes: servedBytes(read.architecture, weights, options.precision),
      open: (report) => openFolder(read, { ...options, report }),
    };
  } catch (reason) {
    throw new Error(`${folder}: ${reason instanceof Error ? reason.message : String(reason)}`);
  }
}

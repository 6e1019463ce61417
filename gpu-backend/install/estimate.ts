/**
 * `model estimate`: how much memory a model would take in every precision, by its config.json alone.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseArchitecture } from '../model/config.ts';
import { estimateMemory, type InstalledPrecision, type MemoryEstimate } from '../model/memory.ts';
import { countParameters } from '../model/shapes.ts';
import { InstallError } from './failure.ts';
import { authorization, fileUrl, type Hub, hubModel, isHubName } from './hub.ts';

export interface Estimate {
  readonly architecture: string;
  readonly parameters: number;
  readonly context: number;
  readonly memory: Readonly<Record<InstalledPrecision, MemoryEstimate>>;
}

/** transformers 5 writes `dtype`. */
const typeSchema = v.looseObject({ dtype: v.optional(v.unknown()), torch_dtype: v.optional(v.unknown()) });

/**
 * Estimates the model in the folder or of the name `source`.
 * @throws InstallError where there is no config.json, Error where the architecture is not supported
 */
export async function estimateModel(hub: Hub, source: string): Promise<Estimate> {
  const text = await readFile(join(source, 'config.json'), 'utf8').catch(() => {
    if (!isHubName(source)) throw new InstallError(`${source} has no config.json, and is no model's name on the Hub.`);
    return fromHub(hub, source);
  });
  const config: unknown = JSON.parse(text);
  const architecture = parseArchitecture(config);
  const { dtype, torch_dtype: torchType } = v.parse(typeSchema, config);
  const stored = [dtype, torchType].includes('float32') ? 'float32' : 'bfloat16';
  const of = (precision: InstalledPrecision) => estimateMemory(architecture, precision, stored);
  return {
    architecture: architecture.family,
    parameters: countParameters(architecture),
    context: architecture.context,
    memory: { int4: of('int4'), int8: of('int8'), bfloat16: of('bfloat16'), float32: of('float32') },
  };
}

async function fromHub(hub: Hub, source: string): Promise<string> {
  const model = await hubModel(hub, source);
  const response = await fetch(fileUrl(hub, model, 'config.json'), { headers: authorization(hub) });
  if (!response.ok)
    throw new InstallError(`${source}: ${hub.endpoint} answered HTTP ${response.status} for config.json.`);
  return response.text();
}

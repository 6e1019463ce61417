/**
 * The models that are installed: `model list`, `model verify`, `model remove`.
 */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Manifest } from '../../shared/contract/manifest.ts';
import { readArchitecture } from '../model/config.ts';
import { estimateMemory, type MemoryEstimate } from '../model/memory.ts';
import { checkAgreement, readManifest, verifyWeights } from '../model/registry.ts';
import { readWeights } from '../model/safetensors.ts';
import { checkStored } from '../model/source.ts';
import { readTokenizer } from '../model/tokenizer.ts';
import { InstallError } from './failure.ts';

export interface InstalledModel {
  readonly folder: string;
  readonly manifest: Manifest;
  /** Bytes of the weights on the disk. */
  readonly bytes: number;
  readonly memory: MemoryEstimate;
}

/** The models in `models`, by folder; what has no manifest is no model. */
export async function installedModels(models: string): Promise<InstalledModel[]> {
  const folders = await readdir(models, { withFileTypes: true }).catch(() => []);
  const found: InstalledModel[] = [];
  for (const entry of folders.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const folder = join(models, entry.name);
    if (!entry.isDirectory() || entry.name.startsWith('.') || !(await hasManifest(folder))) continue;
    const manifest = await readManifest(folder);
    const architecture = await readArchitecture(folder);
    const embedding = (await readWeights(folder)).get(architecture.tensors.embedding)?.type ?? 'float32';
    found.push({
      ...{ folder, manifest },
      bytes: manifest.weights.reduce((sum, { bytes }) => sum + bytes, 0),
      // The service makes int8 of weights that are not quantised, unless it is told otherwise.
      memory: estimateMemory(architecture, manifest.precision ?? 'int8', embedding),
    });
  }
  return found;
}

/** The folder of the model named, by id or path. @throws InstallError where there is none */
export async function folderOf(models: string, name: string): Promise<string> {
  for (const folder of [join(models, name), name]) if (await hasManifest(folder)) return folder;
  const known = (await installedModels(models)).map(({ manifest }) => manifest.id);
  throw new InstallError(`There is no model ${name} in ${models}; there is: ${known.join(', ') || 'none'}.`);
}

/**
 * Checks a model folder as the service does when it opens it, reading every byte.
 * @throws Error that says what is damaged
 */
export async function verifyModel(folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder);
  const architecture = await readArchitecture(folder);
  checkAgreement(manifest, architecture, await readTokenizer(folder));
  checkStored(architecture, await readWeights(folder));
  await verifyWeights(folder, manifest);
  return manifest;
}

/** Removes a model that was added. @throws InstallError for one that was not */
export async function removeModel(folder: string): Promise<void> {
  const { source, id } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Partial<Manifest>;
  if (source === undefined) {
    throw new InstallError(
      `${id ?? basename(folder)} was not added by npm run model; delete ${folder} yourself if you mean it.`,
    );
  }
  await rm(folder, { recursive: true });
}

const hasManifest = (folder: string) =>
  stat(join(folder, 'manifest.json')).then(
    (found) => found.isFile(),
    () => false,
  );

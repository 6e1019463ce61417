/**
 * A model of the Hub into a folder: first the small files, which decide whether it is supported, then the weights.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseArchitecture } from '../model/config.ts';
import { checkRoom } from './disk.ts';
import { download } from './download.ts';
import { InstallError } from './failure.ts';
import type { Hub, HubFile, HubModel } from './hub.ts';
import type { Progress } from './progress.ts';

/** Which shard holds which tensor; what it does not name is no part of the model. */
const INDEX = 'model.safetensors.index.json';
const SMALL_FILES = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'vocab.json',
  'merges.txt',
  INDEX,
  'README.md',
];
const LICENCE_FILE = /^(LICEN[SC]E|NOTICE)[^/]*$/i;

/** The files of a model that are needed: descriptions, and the weights at the top of the repository. */
export function neededFiles({ name, files }: HubModel): { small: HubFile[]; weights: HubFile[] } {
  const small = files.filter(({ path }) => SMALL_FILES.includes(path) || LICENCE_FILE.test(path));
  const weights = files.filter(({ path }) => path.endsWith('.safetensors') && !path.includes('/'));
  if (!small.some(({ path }) => path === 'config.json')) throw new InstallError(`${name} has no config.json.`);
  if (weights.length === 0) {
    const other = files.filter(({ path }) => /\.(bin|pt|gguf|pth)$/.test(path)).map(({ path }) => path);
    const found = other.length === 0 ? '' : ` It has ${other[0]}; only safetensors are read.`;
    throw new InstallError(`${name} has no .safetensors file.${found}`);
  }
  return { small, weights };
}

export interface FetchOptions {
  readonly folder: string;
  readonly progress: Progress;
  readonly retryMs?: number;
}

/**
 * Downloads what is needed into the folder, going on where an earlier call broke off.
 * @param room bytes that must stay free beside the download, for what is made of it
 * @throws InstallError where the disk has too little room or a download fails; Error where the architecture is not supported
 */
export async function fetchModel(
  hub: Hub,
  model: HubModel,
  { folder, progress, retryMs }: FetchOptions,
  room: (downloadBytes: number) => number,
): Promise<void> {
  const { small, weights } = neededFiles(model);
  let total = [...small, ...weights].reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const get = (file: HubFile) =>
    download(file, {
      ...{ hub, model, folder, retryMs },
      onBytes: (count) => {
        done += count;
        progress.update(file.path, done, total);
      },
    });
  for (const file of small) await get(file);
  const wanted = await indexed(folder, weights);
  total = [...small, ...wanted].reduce((sum, { bytes }) => sum + bytes, 0);
  parseArchitecture(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')));
  await checkRoom(folder, total - done + room(total));
  for (const file of wanted) await get(file);
}

const indexSchema = v.looseObject({ weight_map: v.record(v.string(), v.string()) });

/** Of `weights` those that the index names, where there is one: some repositories keep other copies beside them. */
async function indexed(folder: string, weights: readonly HubFile[]): Promise<readonly HubFile[]> {
  const text = await readFile(join(folder, INDEX), 'utf8').catch(() => undefined);
  if (text === undefined) return weights;
  const named = new Set(Object.values(v.parse(indexSchema, JSON.parse(text)).weight_map));
  const missing = [...named].filter((name) => !weights.some(({ path }) => path === name));
  if (missing.length > 0) throw new InstallError(`${INDEX} names ${missing[0]}, which the repository does not have.`);
  return weights.filter(({ path }) => named.has(path));
}

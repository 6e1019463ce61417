/**
 * `model add`: a checkpoint, from a folder or the Hub, becomes a model folder of ours. Whole or not at all.
 */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Manifest } from '../../shared/contract/manifest.ts';
import { hashFile } from '../model/checksum.ts';
import { parseArchitecture, usualShift } from '../model/config.ts';
import { estimateMemory, type InstalledPrecision, type MemoryEstimate } from '../model/memory.ts';
import { checkAgreement, parseManifest } from '../model/registry.ts';
import { readWeights } from '../model/safetensors.ts';
import { checkWeights, countParameters } from '../model/shapes.ts';
import { storedForm } from '../model/source.ts';
import { readTokenizer } from '../model/tokenizer.ts';
import { readTokenizerConfig } from '../model/tokenizer-config.ts';
import { checkRoom } from './disk.ts';
import { InstallError } from './failure.ts';
import { fetchModel } from './fetch-model.ts';
import { type Hub, hubModel, isHubName } from './hub.ts';
import { checkLicence, licenceOfFolder } from './licence.ts';
import type { Progress } from './progress.ts';
import { type RoleOptions, rolesOf } from './roles.ts';
import { INSTRUCTED_STYLES } from './styles.ts';
import { tokenizerFromParts } from './tokenizer-parts.ts';
import { writeWeights } from './write-weights.ts';

export interface AddOptions extends RoleOptions {
  /** A folder, or a model's name on the Hub. */
  readonly source: string;
  /** The folder of installed models. */
  readonly models: string;
  readonly precision: InstalledPrecision;
  readonly hub: Hub;
  readonly id?: string;
  /** The licence, where the model does not state it. */
  readonly licence?: string;
  readonly acceptLicence: boolean;
  /** Replace a model of this id. */
  readonly force: boolean;
  readonly progress: Progress;
  /** Waiting time before a broken download is gone on with; it doubles. 1 s where it is absent. */
  readonly retryMs?: number;
}

export interface Added {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly memory: MemoryEstimate;
}

/** Copied beside the weights where the checkpoint has them. */
const COPIED =
  /^(config\.json|tokenizer\.json|tokenizer_config\.json|chat_template\.jinja|README\.md|(LICEN[SC]E|NOTICE)[^/]*)$/i;

/**
 * Installs a checkpoint and returns what was installed.
 * @throws InstallError and Error with a message for the person who asked; nothing is left behind but a download to go on with
 */
export async function addModel(options: AddOptions): Promise<Added> {
  const { models, progress, force } = options;
  const local = await isFolder(options.source);
  if (!local && !isHubName(options.source)) {
    throw new InstallError(`${options.source} is neither a folder nor a model's name on the Hub (organisation/name).`);
  }
  const name = basename(local ? resolve(options.source) : options.source.replace(/@.*$/, ''));
  const id = options.id ?? idOf(name);
  const folder = join(models, id);
  if (!force && (await isFolder(folder)))
    throw new InstallError(`${folder} exists; --force replaces it, --id NAME puts the model beside it.`);
  await mkdir(models, { recursive: true });
  const checkpoint = local ? await fromFolder(options) : await fromHub(options, id);
  const staging = join(models, `.adding-${id}-${process.pid}`);
  await mkdir(staging);
  try {
    const made = await install(options, { ...checkpoint, id, name, move: !local }, staging);
    if (force) await rm(folder, { recursive: true, force: true });
    await rename(staging, folder);
    if (!local) await rm(checkpoint.folder, { recursive: true, force: true });
    return { ...made, folder };
  } finally {
    progress.end();
    await rm(staging, { recursive: true, force: true });
  }
}

interface Checkpoint {
  readonly folder: string;
  readonly licence: string;
  readonly source: NonNullable<Manifest['source']>;
}

async function fromFolder(options: AddOptions): Promise<Checkpoint> {
  const folder = options.source;
  const licence = checkLicence((await licenceOfFolder(folder)) ?? options.licence, options.acceptLicence);
  options.progress.say(`licence: ${licence}`);
  return { folder, licence, source: { name: basename(resolve(folder)) } };
}

async function fromHub({ hub, source, models, progress, ...options }: AddOptions, id: string): Promise<Checkpoint> {
  const model = await hubModel(hub, source);
  const licence = checkLicence(model.licence ?? options.licence, options.acceptLicence);
  progress.say(`${model.name} at ${model.revision.slice(0, 12)}, licence: ${licence}`);
  const folder = join(models, `.download-${id}-${model.revision.slice(0, 12)}`);
  await mkdir(folder, { recursive: true });
  // A quantised copy is made beside the download, of at most 10/16 of a half-precision checkpoint's size.
  const copies = options.precision === 'int8' || options.precision === 'int4';
  await fetchModel(hub, model, { folder, progress, retryMs: options.retryMs }, (bytes) =>
    copies ? Math.ceil(bytes * 0.65) : 0,
  );
  return { folder, licence, source: { name: model.name, revision: model.revision } };
}

/** Checks the checkpoint, writes the model folder into `staging`, the manifest last. */
async function install(
  options: AddOptions,
  from: Checkpoint & { readonly id: string; readonly name: string; readonly move: boolean },
  staging: string,
): Promise<Pick<Added, 'manifest' | 'memory'>> {
  const { precision, progress } = options;
  const config: unknown = JSON.parse(await readRequired(from.folder, 'config.json'));
  const architecture = parseArchitecture(config);
  const weights = await readWeights(from.folder);
  if (storedForm(weights) !== undefined) throw new InstallError('The weights are quantised already; add the original.');
  checkWeights(architecture, weights);
  for (const file of await readdir(from.folder)) {
    if (COPIED.test(file)) await copyFile(join(from.folder, file), join(staging, file));
  }
  if (!(await readdir(staging)).includes('tokenizer.json')) {
    await writeFile(join(staging, 'tokenizer.json'), await tokenizerFromParts(from.folder));
  }
  const tokenizer = await readTokenizer(staging);
  const files = {
    config,
    tokenizer: JSON.parse(await readFile(join(staging, 'tokenizer.json'), 'utf8')),
    tokenizerConfig: await readTokenizerConfig(staging),
  };
  const { tokens, shift, conditioning } = rolesOf(files, architecture, usualShift(config), from.name, options);
  const draft = {
    format: 1,
    id: from.id,
    title: from.name,
    description: `${from.source.name}, added by npm run model.`,
    revision: '',
    architecture: architecture.family,
    licence: from.licence,
    parameters: countParameters(architecture),
    tokens,
    styles: conditioning.kind === 'chat' ? INSTRUCTED_STYLES : [],
    conditioning,
    precision,
    context: architecture.context,
    shift,
    supports: { editing: false, guidance: true },
    source: from.source,
  };
  // Refused before hours of work, not after.
  checkAgreement(parseManifest({ ...draft, weights: [] }), architecture, tokenizer);
  const [{ type }] = weights.values();
  const embedding = weights.get(architecture.tensors.embedding)?.type ?? type;
  const stored = precision === 'bfloat16' ? 'bfloat16' : embedding;
  const memory = estimateMemory(architecture, precision, stored);
  const whole = [...weights.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  if (!from.move) await checkRoom(staging, Math.min(memory.weights, whole));
  const job = { from: from.folder, to: staging, architecture, weights, precision, move: from.move, progress };
  const listed = await describe(staging, await writeWeights(job), progress);
  const manifest = parseManifest({ ...draft, revision: revisionOf(listed), weights: listed });
  await writeFile(join(staging, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return { manifest, memory };
}

async function describe(folder: string, files: readonly string[], progress: Progress): Promise<Manifest['weights']> {
  const listed: Manifest['weights'] = [];
  for (const file of files) {
    const { size: bytes } = await stat(join(folder, file));
    const sha256 = await hashFile(join(folder, file), (done) => progress.update(`checksum of ${file}`, done, bytes));
    listed.push({ file, bytes, sha256 });
  }
  return listed;
}

/** As the trainer names revisions (training/model_folder.py). */
function revisionOf(files: Manifest['weights']): string {
  const digest =
    files.length === 1
      ? files[0].sha256
      : createHash('sha256')
          .update(files.map(({ sha256 }) => sha256).join(''))
          .digest('hex');
  return digest.slice(0, 16);
}

/** `LLaDA-8B-Instruct` -> `llada-8b-instruct`. */
function idOf(name: string): string {
  const id = name
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 64);
  if (id === '') throw new InstallError(`${name} gives no id; give one with --id NAME.`);
  return id;
}

const readRequired = (folder: string, file: string) =>
  readFile(join(folder, file), 'utf8').catch(() => {
    throw new InstallError(`${folder} has no ${file}.`);
  });

const isFolder = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

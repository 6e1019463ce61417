/**
 * Opens a model folder: manifest, weights (checked against it), tokenizer, session.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { decisionsOf, type Manifest, type ModelSummary, manifestSchema } from '../../shared/contract/manifest.ts';
import { fileSha256 } from './checksum.ts';
import { type Architecture, readArchitecture } from './config.ts';
import type { ReportLoad } from './loading.ts';
import { type ModelSession, openSession, type SessionOptions } from './session.ts';
import { readTokenizer, type Tokenizer } from './tokenizer.ts';

export interface LoadedModel {
  readonly manifest: Manifest;
  readonly summary: ModelSummary;
  readonly tokenizer: Tokenizer;
  readonly session: ModelSession;
}

/**
 * Reads and validates `folder/manifest.json`.
 * @throws Error naming each field that is not valid.
 */
export async function readManifest(folder: string): Promise<Manifest> {
  return parseManifest(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')));
}

/** Validates a parsed manifest. @throws Error naming each field that is not valid. */
export function parseManifest(json: unknown): Manifest {
  const result = v.safeParse(manifestSchema, json);
  if (result.success) return result.output;
  const reasons = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
  throw new Error(`manifest.json: ${reasons.join('; ')}`);
}

/** A model folder as it is before its weights are opened. */
export interface ModelFolder {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly architecture: Architecture;
  readonly tokenizer: Tokenizer;
  readonly summary: ModelSummary;
}

/**
 * Reads all of a model folder but its weights.
 * @throws Error where a file is missing, damaged or not supported, or files contradict each other.
 */
export async function readModelFolder(folder: string): Promise<ModelFolder> {
  const manifest = await readManifest(folder);
  const [architecture, tokenizer] = await Promise.all([readArchitecture(folder), readTokenizer(folder)]);
  checkAgreement(manifest, architecture, tokenizer);
  return { folder, manifest, architecture, tokenizer, summary: summarise(manifest, tokenizer) };
}

/**
 * Every file of the manifest has its size and SHA-256, and there is no other. A hash is taken from `cacheFolder` where the very
 * file was hashed before; without one it is always read.
 * @throws Error naming the file and both values
 */
export async function verifyWeights(
  folder: string,
  manifest: Manifest,
  cacheFolder?: string,
  report: ReportLoad = () => {},
): Promise<void> {
  const total = manifest.weights.reduce((sum, { bytes }) => sum + bytes, 0);
  let before = 0;
  const listed = new Set(manifest.weights.map(({ file }) => file));
  for (const file of await readdir(folder)) {
    if (file.endsWith('.safetensors') && !listed.has(file)) throw new Error(`manifest.json does not list ${file}`);
  }
  for (const { file, bytes, sha256 } of manifest.weights) {
    if (file !== basename(file)) throw new Error(`manifest.json: weights file ${file} is not in the model folder`);
    const { size } = await stat(join(folder, file));
    if (size !== bytes) throw new Error(`${file} has ${size} bytes; the manifest says ${bytes}`);
    const digest = await fileSha256(join(folder, file), cacheFolder, (seen) =>
      report('verifying', before + seen, total),
    );
    if (digest !== sha256) throw new Error(`${file} has SHA-256 ${digest}; the manifest says ${sha256}`);
    before += bytes;
    report('verifying', before, total);
  }
}

/** Manifest, config.json and tokenizer.json must speak of one model. @throws Error with each contradiction */
export function checkAgreement(manifest: Manifest, architecture: Architecture, tokenizer: Tokenizer): void {
  const { tokens, styles, context } = manifest;
  const reasons: string[] = [];
  if (tokens.mask !== (architecture.maskToken ?? tokens.mask)) {
    reasons.push(`tokens.mask is ${tokens.mask}, mask_token_id ${architecture.maskToken}`);
  }
  if (tokens.eos !== (architecture.eosToken ?? tokens.eos)) {
    reasons.push(`tokens.eos is ${tokens.eos}, eos_token_id ${architecture.eosToken}`);
  }
  if (context > architecture.context) {
    reasons.push(`context is ${context}, max_sequence_length ${architecture.context}`);
  }
  if (tokenizer.size > architecture.vocabulary) {
    reasons.push(`tokenizer.json has ${tokenizer.size} tokens, vocab_size is ${architecture.vocabulary}`);
  }
  const named = [...Object.entries(tokens), ...styles.map(({ name, token }) => [`style ${name}`, token] as const)];
  for (const [name, token] of named) {
    if (token !== undefined && !(token < tokenizer.size && tokenizer.isSpecial(token)))
      reasons.push(`${name} ${token} is no special token`);
  }
  reasons.push(...missingForConditioning(manifest, tokenizer));
  if (reasons.length > 0) throw new Error(`the model folder contradicts itself: ${reasons.join('; ')}`);
}

/** What the manifest's kind of conditioning needs and the folder lacks. */
function missingForConditioning({ conditioning, tokens, styles, shift }: Manifest, tokenizer: Tokenizer): string[] {
  const kind = conditioning?.kind ?? 'tokens';
  const lacking = (what: 'token' | 'instruction') =>
    styles.filter((style) => style[what] === undefined).map(({ name }) => `style ${name} has no ${what}`);
  if (kind === 'chat') return [...(tokenizer.chat ? [] : ['there is no chat template']), ...lacking('instruction')];
  if (conditioning?.kind === 'prefix') {
    const first = shift === 1 && conditioning.begin.length === 0;
    return first ? ['with shift 1 something must stand before a text, and conditioning.begin is empty'] : [];
  }
  const needed = (['prompt', 'facts', 'text', 'style_none'] as const).filter((name) => tokens[name] === undefined);
  return [...needed.map((name) => `tokens.${name} is missing`), ...lacking('token')];
}

/** Ids that no text may hold: everything special but the end of text. */
export function forbiddenTokens(tokenizer: Tokenizer, vocabulary: number, eos: number): number[] {
  const ids = Array.from({ length: vocabulary }, (_, id) => id);
  return ids.filter((id) => id !== eos && (id >= tokenizer.size || tokenizer.isSpecial(id)));
}

function summarise(manifest: Manifest, tokenizer: Tokenizer): ModelSummary {
  const { id, title, description, revision, licence, parameters, context, styles, supports } = manifest;
  let longestTokenBytes = 0;
  for (let token = 0; token < tokenizer.size; token++) {
    longestTokenBytes = Math.max(longestTokenBytes, tokenizer.tokenBytes(token).length);
  }
  const named = styles.map(({ name, description: text }) => ({ name, description: text }));
  const common = { id, title, description, revision, licence, parameters, context, supports };
  return { ...common, styles: named, decisions: decisionsOf(manifest), longestTokenBytes };
}

/** Reads a model folder and opens it for use. @throws Error as `readModelFolder` and `openFolder` do */
export async function openModel(folder: string, options: SessionOptions): Promise<LoadedModel> {
  return openFolder(await readModelFolder(folder), options);
}

/**
 * Opens a model folder for use. Weights are verified against the manifest (the hash once, then remembered).
 * @throws Error where the weights are damaged or not supported
 */
export async function openFolder(
  { folder, manifest, architecture, tokenizer, summary }: ModelFolder,
  options: SessionOptions,
): Promise<LoadedModel> {
  await verifyWeights(folder, manifest, options.cacheFolder, options.report);
  const forbidden = [
    ...forbiddenTokens(tokenizer, architecture.vocabulary, manifest.tokens.eos),
    ...(options.forbidden ?? []),
  ];
  const session = await openSession(folder, { ...options, forbidden });
  return { manifest, summary, tokenizer, session };
}

/** Whole model folders of random weights: config.json, weights, tokenizer and manifest. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lladaConfig, writeRandomModel } from './random-model.ts';
import { learnTokenizer } from './small-tokenizer.ts';

export const tokenizer = learnTokenizer(['a text for a test, a short text for a short test'], 30);
/** Two rows more than the tokenizer has tokens, as checkpoints pad their tables. */
export const VOCABULARY = tokenizer.size + 2;

/** Writes a model of this id into `folder`; `config` changes config.json. */
export async function writeModelFolder(
  folder: string,
  { id, seed, config = {} }: { id: string; seed: number; config?: Record<string, unknown> },
): Promise<void> {
  await writeRandomModel(folder, lladaConfig({ vocab_size: VOCABULARY, embedding_size: VOCABULARY, ...config }), seed);
  const weights = await readFile(join(folder, 'model.safetensors'));
  const sha256 = createHash('sha256').update(weights).digest('hex');
  const manifest = {
    format: 1,
    id,
    title: 'Random',
    description: 'Random weights.',
    revision: sha256.slice(0, 16),
    architecture: 'llada',
    licence: 'apache-2.0',
    parameters: 1,
    tokens: { mask: 0, eos: 1, pad: 1, prompt: 2, facts: 3, text: 4, style_none: 5 },
    styles: [{ name: 'sms', token: 6, description: 'Short.' }],
    context: 256,
    shift: 0,
    supports: { editing: false, guidance: true },
    weights: [{ file: 'model.safetensors', bytes: weights.length, sha256 }],
  };
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer.json));
}

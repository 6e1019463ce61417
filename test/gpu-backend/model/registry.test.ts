/** Opening a model folder: what is checked, what is refused, what comes out. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../../gpu-backend/model/registry.ts';
import type { SessionOptions } from '../../../gpu-backend/model/session.ts';
import { tokenizer, VOCABULARY, writeModelFolder } from './model-folder.ts';

const SIZE = tokenizer.size;

let root: string;
let options: SessionOptions;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'maskwright-registry-'));
  options = { device: 'cpu', precision: 'float32', threads: 1, cacheFolder: join(root, 'cache') };
  await writeModelFolder(join(root, 'good'), { id: 'random-small', seed: 3 });
});
afterAll(() => rm(root, { recursive: true }));

describe('openModel', () => {
  it('gives manifest, summary, tokenizer and a session that draws nothing but text and its end', async () => {
    const model = await openModel(join(root, 'good'), options);
    expect(model.summary).toMatchObject({ id: 'random-small', context: 256, styles: [{ name: 'sms' }] });
    expect(model.summary.styles[0]).not.toHaveProperty('token');
    const longest = Math.max(...Array.from({ length: SIZE }, (_, id) => model.tokenizer.tokenBytes(id).length));
    expect(model.summary.longestTokenBytes).toBe(longest);
    expect(model.session.vocabulary).toBe(VOCABULARY);
    const ids = Int32Array.of(5, 4, 0, 0);
    const input = { batch: 1, length: 4, ids, lengths: Int32Array.of(4), rows: Int32Array.of(2) };
    const probabilities = await model.session.evaluate(input);
    const impossible = Array.from(probabilities.keys()).filter((id) => probabilities[id] === 0);
    expect(impossible).toEqual([0, 2, 3, 4, 5, 6, SIZE, SIZE + 1]);
    await model.session.release();
  });

  const edit = (change: (manifest: Record<string, never>) => object) => async (folder: string) => {
    const path = join(folder, 'manifest.json');
    await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')))));
  };

  it.each<[string, (folder: string) => Promise<void>, RegExp]>([
    ['a manifest of another format', edit((m) => ({ ...m, format: 2 })), /manifest\.json: format/],
    ['a manifest without tokens', edit((m) => ({ ...m, tokens: undefined })), /manifest\.json: tokens/],
    ['another mask token', edit((m) => ({ ...m, tokens: { ...(m.tokens as object), mask: 1 } })), /tokens\.mask is 1/],
    [
      'a style that is text',
      edit((m) => ({ ...m, styles: [{ name: 'x', token: 40, description: '' }] })),
      /style x 40/,
    ],
    ['more context than positions', edit((m) => ({ ...m, context: 512 })), /context is 512, max_sequence_length 256/],
    [
      'weights outside the folder',
      edit((m) => ({ ...m, weights: [...(m.weights as object[]), { file: '../cache/x', bytes: 1, sha256: '' }] })),
      /not in the model folder/,
    ],
    ['weights it does not list', edit((m) => ({ ...m, weights: [] })), /does not list model\.safetensors/],
    [
      'weights cut short',
      async (folder) => {
        const path = join(folder, 'model.safetensors');
        await writeFile(path, (await readFile(path)).subarray(0, -4));
      },
      /model\.safetensors has \d+ bytes; the manifest says \d+/,
    ],
    [
      'weights with one bit turned',
      async (folder) => {
        const path = join(folder, 'model.safetensors');
        const content = await readFile(path);
        content[content.length - 1] ^= 1;
        await writeFile(path, content);
      },
      /model\.safetensors has SHA-256 [0-9a-f]{64}; the manifest says/,
    ],
    ['no tokenizer', (folder) => rm(join(folder, 'tokenizer.json')), /tokenizer\.json/],
  ])('refuses a folder with %s', async (name, damage, message) => {
    const folder = join(root, name.replaceAll(' ', '-'));
    await cp(join(root, 'good'), folder, { recursive: true });
    await damage(folder);
    await expect(openModel(folder, options)).rejects.toThrow(message);
  });
});

/** Adding, listing, verifying and removing models from folders. */

import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkText } from '../../../gpu-backend/check.ts';
import { conditioningTokens } from '../../../gpu-backend/denoise/conditioning.ts';
import { createEngine } from '../../../gpu-backend/engine/engine.ts';
import { eagerReader } from '../../../gpu-backend/engine/reader.ts';
import { type AddOptions, addModel } from '../../../gpu-backend/install/add.ts';
import { folderOf, installedModels, removeModel, verifyModel } from '../../../gpu-backend/install/installed.ts';
import { silent } from '../../../gpu-backend/install/progress.ts';
import { fixedModels } from '../../../gpu-backend/model/pool.ts';
import { openModel } from '../../../gpu-backend/model/registry.ts';
import { readWeights } from '../../../gpu-backend/model/safetensors.ts';
import { openSession } from '../../../gpu-backend/model/session.ts';
import { readTensor, toFloat32 } from '../../../gpu-backend/model/tensor-data.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import { collect } from '../collect.ts';
import { VOCABULARY, writeCheckpoint } from './checkpoint.ts';

let root: string;
let checkpoint: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'maskwright-install-'));
  checkpoint = join(root, 'Random-8B-Instruct');
  await writeCheckpoint(checkpoint);
});
afterAll(() => rm(root, { recursive: true }));

let counter = 0;
const optionsFor = (changes: Partial<AddOptions> = {}): AddOptions => ({
  source: checkpoint,
  models: join(root, `models-${counter++}`),
  hub: { endpoint: 'http://127.0.0.1:9' },
  precision: 'int8',
  acceptLicence: false,
  force: false,
  progress: silent,
  ...changes,
});
const session = () => ({ device: 'cpu', precision: 'int8', threads: 1, cacheFolder: join(root, 'cache') }) as const;

const input = {
  ...{ batch: 2, length: 9, lengths: Int32Array.of(9, 4) },
  ids: Int32Array.from({ length: 18 }, (_, i) => (i * 7) % VOCABULARY),
  rows: Int32Array.from({ length: 13 }, (_, i) => i),
};

describe('a checkpoint that was added', () => {
  it.each(['int8', 'int4', 'bfloat16', 'float32'] as const)(
    'gives the logits of the original in %s',
    async (precision) => {
      const { folder, manifest } = await addModel(optionsFor({ precision }));
      expect(manifest).toMatchObject({ id: 'random-8b-instruct', precision, licence: 'mit', shift: 0 });
      expect(await verifyModel(folder)).toEqual(manifest);
      const form = precision === 'int4' ? 'int4' : 'int8';
      const original = await openSession(checkpoint, { ...session(), precision: form });
      const added = await openModel(folder, session());
      expect(await added.session.logits(input)).toEqual(await original.logits(input));
      await Promise.all([original.release(), added.session.release()]);
    },
  );

  it('is spoken to through its chat template, with styles as sentences', async () => {
    const { folder, manifest } = await addModel(optionsFor());
    expect(manifest.conditioning).toEqual({ kind: 'chat' });
    expect(manifest.tokens).toEqual({ mask: 0, eos: 1, pad: 1 });
    const { tokenizer, session: opened, summary } = await openModel(folder, session());
    expect(summary.styles.map(({ name }) => name)).toContain('sms');
    const ids = [...conditioningTokens({ style: 'sms', prompt: 'a test' }, manifest, tokenizer)];
    expect(ids).toEqual([2, ...tokenizer.encode('Write a short text message.\n\na test'), 1, 4]);
    await opened.release();
  });

  it('is given a prefix instead where its name says it is a base model, or where it is asked for', async () => {
    const base = await addModel(optionsFor({ source: await copyAs('Random-8B-Base') }));
    expect(base.manifest).toMatchObject({ conditioning: { kind: 'prefix', begin: [] }, styles: [] });
    const shifted = await addModel(optionsFor({ conditioning: 'prefix', shift: 1 }));
    expect(shifted.manifest).toMatchObject({ shift: 1, conditioning: { kind: 'prefix', begin: [1] } });
  });

  it('in bfloat16 is narrowed where it was wider', async () => {
    const wide = join(root, 'wide');
    await writeCheckpoint(wide, 'float32');
    const { folder } = await addModel(optionsFor({ precision: 'bfloat16', source: wide }));
    const [narrow, original] = [await readWeights(folder), await readWeights(wide)];
    expect([...new Set([...narrow.values()].map(({ type }) => type))]).toEqual(['bfloat16']);
    for (const [name, tensor] of narrow) {
      const values = toFloat32(await readTensor(folder, tensor), tensor.type);
      const exact = toFloat32(await readTensor(wide, original.get(name)!), 'float32');
      // Seven stored bits of fraction: half a step is at most 2^-8 of the value.
      expect(values.every((value, i) => Math.abs(value - exact[i]) <= Math.abs(exact[i]) / 256)).toBe(true);
    }
  });

  it('writes texts for which what was asked holds, guided and shifted too', async () => {
    for (const changes of [{}, { conditioning: 'prefix', shift: 1, id: 'shifted' }] as const) {
      const { folder, manifest } = await addModel(optionsFor(changes));
      const model = await openModel(folder, session());
      const engine = createEngine({ models: fixedModels([model]), check: checkText });
      const request: GenerationJob['request'] = {
        ...{
          model: manifest.id,
          seed: 5,
          prompt: 'a short test <|eos|>',
          template: 'A {{what:words=1..2}} for {{whom}}.',
        },
        holes: { whom: { choices: ['you', 'me'] } },
        diffusion: { guidance: 1, steps: 6 },
      };
      const events = await collect(engine.generate({ id: 'g', request }, eagerReader(new AbortController().signal)));
      expect(events.at(-1)).toMatchObject({ type: 'done', text: expect.stringMatching(/^A .+ for (you|me)\.$/s) });
      await model.session.release();
    }
  });

  it('is listed, found by id or path, and removed', async () => {
    const options = optionsFor({ id: 'mine' });
    const { folder, memory } = await addModel(options);
    const [listed, ...others] = await installedModels(options.models);
    expect(others).toEqual([]);
    expect(listed).toMatchObject({ folder, manifest: { id: 'mine' }, memory });
    expect(await folderOf(options.models, 'mine')).toBe(folder);
    expect(await folderOf('nowhere', folder)).toBe(folder);
    await expect(folderOf(options.models, 'other')).rejects.toThrow(/no model other .*there is: mine/);
    await removeModel(folder);
    expect(await readdir(options.models)).toEqual([]);
  });

  it('is found damaged by verify', async () => {
    const { folder } = await addModel(optionsFor());
    const path = join(folder, 'model.safetensors');
    const content = await readFile(path);
    content[content.length - 9] ^= 4;
    await writeFile(path, content);
    await expect(verifyModel(folder)).rejects.toThrow(/model\.safetensors has SHA-256/);
  });

  it('is replaced only when that is asked for', async () => {
    const options = optionsFor();
    await addModel(options);
    await expect(addModel(options)).rejects.toThrow(/exists; --force replaces it/);
    const { manifest } = await addModel({ ...options, precision: 'int4', force: true });
    expect(manifest.precision).toBe('int4');
  });
});

/** A copy of the checkpoint under another name, changed. */
async function copyAs(
  name: string,
  change: { tokenless?: boolean; config?: Record<string, unknown>; card?: string } = {},
) {
  const folder = join(root, name);
  await cp(checkpoint, folder, { recursive: true });
  if (change.tokenless) await writeFile(join(folder, 'tokenizer_config.json'), '{}');
  if (change.card !== undefined) await writeFile(join(folder, 'README.md'), change.card);
  if (change.config !== undefined) {
    const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, ...change.config }));
  }
  return folder;
}

describe('a checkpoint is refused and leaves nothing behind', () => {
  it.each<[string, Parameters<typeof copyAs>[1], Partial<AddOptions>, RegExp]>([
    [
      'of another architecture',
      { config: { model_type: 'mamba' } },
      {},
      /model_type is "mamba"\. Supported by model_type/,
    ],
    [
      'of another shape than its config says',
      { config: { n_layers: 3 } },
      {},
      /blocks\.2\.attn_norm\.weight is missing/,
    ],
    [
      'under a licence that is not open',
      { card: '---\nlicense: cc-by-nc-4.0\n---\n' },
      {},
      /licence is "cc-by-nc-4\.0".*--accept-licence/,
    ],
    ['without a licence', { card: '# none' }, {}, /states no licence/],
    ['spoken to without a template', { tokenless: true }, { conditioning: 'chat' }, /no chat template/],
    ['with an end that is text', {}, { eos: 40 }, /tokens\.eos is 40/],
  ])('%s', async (name, change, options, message) => {
    const asked = optionsFor({ source: await copyAs(name.replaceAll(' ', '-'), change), ...options });
    await expect(addModel(asked)).rejects.toThrow(message);
    expect(await readdir(asked.models).catch(() => [])).toEqual([]);
  });

  it('that is neither a folder nor a name on the Hub', async () => {
    await expect(addModel(optionsFor({ source: 'no/such/folder' }))).rejects.toThrow(/neither a folder nor/);
  });

  it('but for its licence once that is accepted', async () => {
    const source = await copyAs('odd', { card: '---\nlicense: llama3\n---\n' });
    const { manifest } = await addModel(optionsFor({ source, acceptLicence: true }));
    expect(manifest.licence).toBe('llama3');
  });
});

/** `npm run model` as it is run: what it prints, how it ends, and how much memory it takes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSynthetic } from '../../bench/synthetic-checkpoint.ts';
import { writeCheckpoint } from '../gpu-backend/install/checkpoint.ts';
import { runNode } from '../run-node.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/model.ts', import.meta.url));

let root: string;
let checkpoint: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'maskwright-cli-'));
  checkpoint = join(root, 'Random-8B-Instruct');
  await writeCheckpoint(checkpoint);
});
afterAll(() => rm(root, { recursive: true }));

const model = (...args: string[]) => runNode(SCRIPT, args, { HF_ENDPOINT: 'http://127.0.0.1:9' });

describe('npm run model', () => {
  it('adds, lists, verifies and removes', async () => {
    const to = ['--to', join(root, 'models')];
    const added = await model('add', checkpoint, ...to, '--precision', 'int4');
    expect(added).toMatchObject({
      code: 0,
      out: expect.stringMatching(/random-8b-instruct is in .*\n.*llada, .*int4, licence mit/),
    });
    expect(added.out).toMatch(/memory: [\d.]+ [kM]B for the weights and/);
    expect(added.error).toContain('licence: mit');
    expect((await model('list', ...to)).out).toMatch(/^random-8b-instruct {2}llada, int4, /);
    expect(await model('verify', 'random-8b-instruct', ...to)).toMatchObject({
      code: 0,
      out: expect.stringContaining('intact'),
    });
    expect(await model('remove', 'random-8b-instruct', ...to)).toMatchObject({ code: 0 });
    expect(JSON.parse((await model('list', '--json', ...to)).out)).toEqual([]);
  });

  it.each<[string, string[], RegExp]>([
    ['no command', [], /^npm run model -- add/],
    ['a precision there is not', ['add', 'x', '--precision', 'int3'], /--precision is int3; it may be int8, int4/],
    ['a token id that is none', ['add', 'x', '--mask', 'no'], /--mask is no, not a token id/],
    ['the Hub out of reach', ['add', 'makers/model'], /cannot be reached/],
    ['to estimate what is nowhere', ['estimate', 'no/such/folder'], /no\/such\/folder has no config\.json/],
    ['an unknown model', ['verify', 'nothing'], /no model nothing/],
    ['the model that ships', ['remove', 'default'], /was not added by npm run model/],
  ])('refuses %s', async (_, args, message) => {
    const { code, error, out } = await model(...args);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(error).toMatch(message);
    expect(error).not.toMatch(/^ {4}at /m);
  });

  it('estimates the memory a model would take, in every precision', async () => {
    const { out } = await model('estimate', checkpoint);
    expect(out).toMatch(/^llada, [\d.]+ million parameters, context 256\n/);
    expect(out.match(/^ {2}\w+ +[\d.]+ kB for the weights/gm)?.length).toBe(4);
  });

  it('adds a checkpoint of 250 MB, most of it one tensor, within a fraction of what that tensor would take', async () => {
    const large = join(root, 'large');
    const { bytes } = await writeSynthetic(large, { width: 1024, hidden: 1024, layers: 1, vocabulary: 58_000 });
    expect(bytes).toBeGreaterThan(2.4e8);
    for (const precision of ['int8', 'int4']) {
      const { code, out, error } = await model(
        'add',
        large,
        '--to',
        join(root, precision),
        '--precision',
        precision,
        '--json',
      );
      expect(error).not.toContain('Error');
      expect(code).toBe(0);
      // The head is 119 MB; widened to float32 whole it would be 356 MB beside a process of about 150.
      expect(JSON.parse(out).peak_resident_bytes).toBeLessThan(4e8);
    }
  });
});

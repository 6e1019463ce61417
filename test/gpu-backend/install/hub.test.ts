/** Adding models from the Hub: a server with its paths, on this machine. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AddOptions, addModel } from '../../../gpu-backend/install/add.ts';
import { estimateModel } from '../../../gpu-backend/install/estimate.ts';
import { hubFrom } from '../../../gpu-backend/install/hub.ts';
import { type Progress, silent } from '../../../gpu-backend/install/progress.ts';
import { filesOf, writeCheckpoint } from './checkpoint.ts';
import { COMMIT, type HubServer, type HubServerOptions, hubServer } from './hub-server.ts';

const NAME = 'makers/Random-8B-Instruct';
const SHARD = 'model-00001-of-00002.safetensors';

let root: string;
let files: Record<string, Buffer>;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'maskwright-hub-'));
  await writeCheckpoint(join(root, 'checkpoint'));
  files = await filesOf(join(root, 'checkpoint'));
});
afterAll(() => rm(root, { recursive: true }));

const servers: HubServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
async function serve(options: Partial<HubServerOptions> = {}): Promise<HubServer> {
  const server = await hubServer({ name: NAME, files, licence: 'mit', ...options });
  servers.push(server);
  return server;
}

let counter = 0;
function optionsFor(server: Pick<HubServer, 'endpoint'>, changes: Partial<AddOptions> = {}): AddOptions {
  return {
    ...{ source: NAME, models: join(root, `models-${counter++}`), precision: 'float32', acceptLicence: false },
    ...{ force: false, progress: silent, retryMs: 1 },
    hub: { endpoint: server.endpoint },
    ...changes,
  };
}
const contents = (server: HubServer, path: string) => server.requests.filter((request) => request.path === path);

describe('a model of the Hub', () => {
  it('is downloaded at one commit, and nothing of the download is kept', async () => {
    const server = await serve();
    const options = optionsFor(server);
    const { folder, manifest } = await addModel(options);
    expect(manifest).toMatchObject({ id: 'random-8b-instruct', source: { name: NAME, revision: COMMIT } });
    expect(await readFile(join(folder, SHARD))).toEqual(files[SHARD]);
    expect(await readdir(options.models)).toEqual(['random-8b-instruct']);
  });

  it('is gone on with where the connection broke, in the same call', async () => {
    const server = await serve({ breaks: new Map([[SHARD, [5000, 7000]]]) });
    const { folder } = await addModel(optionsFor(server));
    const ranges = contents(server, SHARD).map(({ range }) => range);
    expect(ranges[0]).toBeUndefined();
    const starts = ranges.slice(1).map((range) => Number(range?.match(/^bytes=(\d+)-$/)?.[1]));
    expect(starts.length).toBe(2);
    expect(starts[0]).toBeGreaterThan(0);
    expect(starts[1]).toBeGreaterThan(starts[0]);
    expect(await readFile(join(folder, SHARD))).toEqual(files[SHARD]);
  });

  it('is gone on with by a later call, behind what came before', async () => {
    const breaks = new Map([[SHARD, [6000, 0, 0, 0, 0, 0]]]);
    const server = await serve({ breaks });
    const options = optionsFor(server);
    await expect(addModel(options)).rejects.toThrow(/broke 5 times without a byte .*same command goes on/);
    const before = server.requests.length;
    await addModel(options);
    const again = server.requests.slice(before);
    expect(again.map(({ path }) => path)).not.toContain('config.json');
    expect(again.find(({ path }) => path === SHARD)?.range).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it('is started again by a server that knows no ranges, and its progress with it', async () => {
    const server = await serve({ breaks: new Map([[SHARD, [5000]]]), rangeless: true });
    const seen: [number, number][] = [];
    const progress: Progress = {
      ...silent,
      update: (label, done, total) => label === SHARD && seen.push([done, total]),
    };
    const { folder } = await addModel(optionsFor(server, { progress }));
    expect(await readFile(join(folder, SHARD))).toEqual(files[SHARD]);
    expect(seen.every(([done, total]) => done <= total)).toBe(true);
  });

  it.each([SHARD, 'tokenizer.json'])(
    'with another %s than its checksum says is refused, and the file removed',
    async (path) => {
      const server = await serve({ corrupt: path });
      const options = optionsFor(server);
      await expect(addModel(options)).rejects.toThrow(/do not have the checksum that the Hub gives; they were removed/);
      const [download] = await readdir(options.models);
      expect((await readdir(join(options.models, download))).filter((file) => file.startsWith(path))).toEqual([]);
    },
  );

  it('is read with the token of the environment', async () => {
    const server = await serve({ token: 'secret' });
    await expect(addModel(optionsFor(server))).rejects.toThrow(/HTTP 401.*needs HF_TOKEN/);
    const hub = hubFrom({ HF_ENDPOINT: `${server.endpoint}/`, HF_TOKEN: 'secret' });
    await addModel(optionsFor(server, { hub }));
    expect(server.requests.every(({ authorization }) => authorization === 'Bearer secret')).toBe(true);
  });

  it('of an unsupported architecture is refused before its weights are asked for', async () => {
    const config = Buffer.from(JSON.stringify({ model_type: 'mamba' }));
    const server = await serve({ files: { ...files, 'config.json': config } });
    await expect(addModel(optionsFor(server))).rejects.toThrow(/model_type is "mamba"\. Supported by model_type/);
    expect(server.requests.filter(({ path }) => path.endsWith('.safetensors'))).toEqual([]);
  });

  it.each<[string, Partial<HubServerOptions>, RegExp]>([
    ['without a licence', { licence: undefined }, /states no licence/],
    [
      'with weights of another kind',
      { files: { 'config.json': Buffer.of(), 'model.gguf': Buffer.of(1) } },
      /model\.gguf; only safetensors/,
    ],
    ['of another name', { name: 'makers/Other' }, /has no model makers\/Random-8B-Instruct/],
  ])('%s is refused before anything is downloaded', async (_, change, message) => {
    const server = await serve(change);
    await expect(addModel(optionsFor(server))).rejects.toThrow(message);
    expect(server.requests).toEqual([]);
  });

  it('is downloaded without the weights that its index does not name', async () => {
    const shards = Object.keys(files).filter((path) => path.endsWith('.safetensors'));
    const index = (names: readonly string[]) =>
      Buffer.from(JSON.stringify({ weight_map: Object.fromEntries(names.map((name, i) => [`t${i}`, name])) }));
    const more = { ...files, 'consolidated.safetensors': Buffer.alloc(100) };
    const server = await serve({ files: { ...more, 'model.safetensors.index.json': index(shards) } });
    await addModel(optionsFor(server));
    expect(contents(server, 'consolidated.safetensors')).toEqual([]);
    const broken = await serve({ files: { ...more, 'model.safetensors.index.json': index(['other.safetensors']) } });
    await expect(addModel(optionsFor(broken))).rejects.toThrow(
      /names other\.safetensors, which the repository does not/,
    );
  });

  it('is estimated by its config.json alone', async () => {
    const server = await serve();
    const { memory, architecture } = await estimateModel({ endpoint: server.endpoint }, NAME);
    expect(architecture).toBe('llada');
    expect(memory.int4.weights).toBeLessThan(memory.int8.weights);
    expect(memory.int8.weights).toBeLessThan(memory.float32.weights);
    expect(server.requests.map(({ path }) => path)).toEqual(['config.json']);
  });

  it('cannot be had offline, and what can be done instead is said', async () => {
    const server = await serve();
    await server.close();
    await expect(addModel(optionsFor(server))).rejects.toThrow(
      /cannot be reached \(ECONNREFUSED\)\. Offline, add a folder/,
    );
  });

  it('that has only the parts of a tokenizer gets one made of them', async () => {
    const { 'tokenizer.json': whole, 'tokenizer_config.json': config, ...rest } = files;
    const { model, added_tokens: added } = JSON.parse(whole.toString());
    const parts = {
      'vocab.json': Buffer.from(JSON.stringify(model.vocab)),
      'merges.txt': Buffer.from(`#version: 0.2\n${model.merges.map((pair: string[]) => pair.join(' ')).join('\n')}\n`),
      'tokenizer_config.json': Buffer.from(
        JSON.stringify({
          ...JSON.parse(config.toString()),
          added_tokens_decoder: Object.fromEntries(added.map((token: { id: number }) => [token.id, token])),
        }),
      ),
    };
    const { folder } = await addModel(optionsFor(await serve({ files: { ...rest, ...parts } })));
    const made = JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8'));
    expect(made.model.vocab).toEqual(model.vocab);
    expect(made.model.merges.length).toBe(model.merges.length);
    await expect(addModel(optionsFor(await serve({ files: rest })))).rejects.toThrow(
      /no tokenizer\.json, and no vocab\.json/,
    );
  });
});

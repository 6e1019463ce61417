import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { eventsOf, jobOf, SECRET, signedPost } from './http/service.ts';

const ROOT = join(import.meta.dirname, '../..');
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Starts the service as `npm run backend` does; its lines of output as they come. */
async function start(environment: Record<string, string>) {
  const cache = await mkdtemp(join(tmpdir(), 'maskwright-'));
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MASKWRIGHT_'));
  const env = { ...Object.fromEntries(inherited), MASKWRIGHT_CACHE: cache, ...environment };
  const child = spawn(process.execPath, ['gpu-backend/main.ts'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  // Not 'exit', which may come before the last of its output.
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const line = async (message: string) => {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const found = output.split('\n').find((text) => text.includes(`"msg":"${message}"`));
      if (found !== undefined) return JSON.parse(found);
      if (Date.now() > deadline || child.exitCode !== null) throw new Error(`no "${message}":\n${output}\n${errors}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return { child, ended, line, output: () => output, errors: () => errors };
}

const OVERFIT = { MASKWRIGHT_SECRET: SECRET, MASKWRIGHT_BACKEND_PORT: '0', MASKWRIGHT_MODELS: 'test/fixtures/overfit' };

describe('the inference service as a process', () => {
  it('serves, logs neither prompt nor text, and on SIGTERM lets what is under way end', async () => {
    const service = await start({ ...OVERFIT, MASKWRIGHT_THREADS: '1' });
    const { url } = await service.line('listening');
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await service.line('ready');
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${url}/models`)).json()).toEqual([expect.objectContaining({ id: 'overfit' })]);

    const template = 'The copper kettle {{verb:tokens=3}} and {{rest:tokens=20}}.';
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const job = {
      ...jobOf({ model: 'overfit', template, style: 'product', prompt: 'zanzibar', n: 8, diffusion: { steps: 23 } }),
      traceparent: `00-${trace}-00f067aa0ba902b7-00`,
    };
    const response = await fetch(`${url}/generate`, await signedPost(job));
    expect(response.status).toBe(200);
    const texts: string[] = [];
    for await (const event of eventsOf(response)) {
      if (event.type === 'accepted' && event.index === 0) service.child.kill('SIGTERM');
      if (event.type === 'done') texts.push(event.text);
    }
    expect(texts).toHaveLength(8);
    for (const text of texts) expect(text).toMatch(/^The copper kettle .+ and .+\.$/su);
    expect(await service.ended).toBe(0);
    expect(await service.line('job ended')).toMatchObject({
      ...{ level: 30, thread: 'engine', request: job.id, trace, model: 'overfit', n: 8, outcome: 'done', code: 'done' },
      ...{ positions: expect.any(Number), steps: expect.any(Number), evaluations: expect.any(Number) },
      ...{ queued_ms: expect.any(Number), ms: expect.any(Number) },
    });
    expect(service.output()).not.toContain('zanzibar');
    expect(service.output()).not.toContain('kettle');
  });

  it('shares jobs out to its engines, says which of them did what, and on SIGTERM lets both end', async () => {
    const service = await start({ ...OVERFIT, MASKWRIGHT_ENGINES: '2', MASKWRIGHT_THREADS: '1' });
    const { url } = await service.line('listening');
    expect(await service.line('ready')).toMatchObject({ engines: 2, threads: 1 });
    const template = 'The copper kettle {{verb:tokens=3}} and {{rest:tokens=20}}.';
    const answers = Array.from({ length: 4 }, async (_, seed) => {
      const job = jobOf({ model: 'overfit', template, seed, diffusion: { steps: 23 } });
      const types: string[] = [];
      for await (const { type } of eventsOf(await fetch(`${url}/generate`, await signedPost(job)))) {
        if (types.push(type) === 1 && seed === 3) service.child.kill('SIGTERM');
      }
      return types.at(-1);
    });
    expect(await Promise.all(answers)).toEqual(['done', 'done', 'done', 'done']);
    expect(await service.ended).toBe(0);
    const said = (message: string) =>
      service
        .output()
        .split('\n')
        .filter((line) => line.includes(`"msg":"${message}"`))
        .map((line) => JSON.parse(line).engine);
    expect(said('model ready').sort()).toEqual([0, 1]);
    expect(said('job ended').sort()).toEqual([0, 0, 1, 1]);
  });

  it('says how each model stands while it loads and later, and unloads one for the other where memory holds one', async () => {
    const models = 'models/default,test/fixtures/overfit';
    const service = await start({ ...OVERFIT, MASKWRIGHT_MODELS: models, MASKWRIGHT_MODEL_MEMORY_MB: '36' });
    const { url } = await service.line('listening');
    const seen = new Set<string>();
    const ready = async () => {
      const response = await fetch(`${url}/readyz`);
      const { status, models } = (await response.json()) as { status: string; models: Record<string, unknown>[] };
      expect(response.status).toBe(status === 'ready' ? 200 : 503);
      for (const { state, phase } of models) seen.add([status, state, phase].join(' ').trim());
      return { status, models };
    };
    const deadline = Date.now() + 30_000;
    while ((await ready()).status !== 'ready') {
      expect(Date.now()).toBeLessThan(deadline);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(seen).toContain('loading loading quantising');
    expect((await ready()).models.map(({ state }) => state)).toEqual(['ready', 'unloaded']);
    const known = (await (await fetch(`${url}/models`)).json()) as { id: string }[];
    expect(known[1].id).toBe('overfit');
    for (const [i, model] of ['overfit', known[0].id, 'overfit'].entries()) {
      const job = jobOf({ model, template: 'The {{a:tokens=3}}.', seed: i });
      const types: string[] = [];
      for await (const { type } of eventsOf(await fetch(`${url}/generate`, await signedPost(job)))) types.push(type);
      expect(types.at(-1)).toBe('done');
      expect((await ready()).models.filter(({ state }) => state === 'ready')).toEqual([{ id: model, state: 'ready' }]);
    }
    expect(await service.line('model unloaded')).toMatchObject({ model: known[0].id });
    service.child.kill('SIGTERM'); // the process that replaced itself has the same id
    expect(await service.ended).toBe(0);
  });

  it('says what is wrong with its configuration and ends with 1', async () => {
    const service = await start({ ...OVERFIT, MASKWRIGHT_SECRET: 'short', MASKWRIGHT_THREDS: '1' });
    expect(await service.ended).toBe(1);
    expect(service.errors()).toContain('MASKWRIGHT_SECRET must have at least 32 characters');
    expect(service.errors()).toContain('MASKWRIGHT_THREDS is not a variable');
  });

  it('ends with 1 when a model can never fit into the memory for models, naming both numbers', async () => {
    const service = await start({ ...OVERFIT, MASKWRIGHT_MODEL_MEMORY_MB: '1' });
    expect(await service.ended).toBe(1);
    expect(service.errors()).toMatch(/overfit takes \d+ MB of memory, and models may take 1 MB together/);
  });

  it('ends with 1 when a model cannot be opened, naming what is missing', async () => {
    const service = await start({ ...OVERFIT, MASKWRIGHT_MODELS: 'test/fixtures/nowhere' });
    expect(await service.ended).toBe(1);
    expect(service.errors()).toContain('test/fixtures/nowhere');
  });
});

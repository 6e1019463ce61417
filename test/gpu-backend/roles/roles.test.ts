/** Gateways and engines as processes of main.ts, over a real nats-server. */

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ProcessOptions, type RoleProcess, SECRET, startRole } from '../../../bench/chaos-processes.ts';
import type { NumberedEvent } from '../../../shared/contract/stream.ts';
import { NATS_SERVER, type NatsServer, startNats } from '../dispatch/nats/server.ts';
import { until } from '../dispatch/nats/setup.ts';
import { parseExposition } from '../exposition.ts';
import { eventsOf, jobOf, signedGet, signedPost } from '../http/service.ts';

const MODEL = join(import.meta.dirname, '../../fixtures/overfit');

/** Of eight texts, so that it takes a while. */
const longJob = (id: string) => ({
  ...jobOf({
    model: 'overfit',
    style: 'product',
    n: 8,
    length: { unit: 'tokens', exact: 40 },
    diffusion: { steps: 40 },
  }),
  ...{ id, owner: 'account', resume_ms: 10_000 },
});

describe.skipIf(NATS_SERVER === undefined)('gateway and engine', () => {
  let server: NatsServer;
  let cacheFolder: string;
  let prefixes = 0;
  let running: RoleProcess[] = [];
  beforeAll(async () => {
    server = await startNats();
    cacheFolder = await mkdtemp(join(tmpdir(), 'maskwright-roles-'));
  });
  afterEach(() => {
    for (const { child } of running) child.kill('SIGKILL');
    running = [];
  });
  afterAll(() => server.stop());

  function installation(environment: ProcessOptions['environment'] = {}) {
    const options = { nats: server.url, prefix: `r${++prefixes}`, model: MODEL, threads: 1, cacheFolder, environment };
    return async (role: 'gateway' | 'engine') => {
      const started = await startRole(role, options);
      running.push(started);
      return started;
    };
  }
  const readyz = async ({ url }: RoleProcess) => {
    const response = await fetch(`${url}/readyz`);
    return [response.status, ((await response.json()) as { status: string }).status];
  };
  const isReady = (role: RoleProcess) => until(async () => (await readyz(role))[0] === 200, 'it is ready');

  it('wait for NATS and for each other, serve, and say of a request what happened to it on both sides', async () => {
    await server.stop();
    const start = installation({ MASKWRIGHT_LOG: 'debug', MASKWRIGHT_ENGINES: '2', MASKWRIGHT_RUNNING: '3' });
    const gateway = await start('gateway');
    expect(await readyz(gateway)).toEqual([503, 'not connected to NATS']);
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${gateway.url}/models`)).status).toBe(503);
    await server.start();
    await until(async () => (await readyz(gateway))[1] === 'waiting for an engine', 'the gateway is connected');
    const engine = await start('engine');
    await isReady(engine);
    await isReady(gateway);
    await engine.ready;
    expect(engine.log.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ msg: 'ready', room: 6 }),
    );
    expect(await (await fetch(`${gateway.url}/models`)).json()).toEqual([expect.objectContaining({ id: 'overfit' })]);

    const job = jobOf({ model: 'overfit', style: 'product', template: 'The {{a:tokens=6}}.', prompt: 'zanzibar' });
    const events: NumberedEvent[] = [];
    const response = await fetch(`${gateway.url}/generate`, await signedPost(job, { secret: SECRET }));
    for await (const event of eventsOf(response)) events.push(event);
    expect(events.at(-1)).toMatchObject({ type: 'done', text: expect.stringMatching(/^The .+\.$/su) });
    for (const { log } of [gateway, engine]) {
      expect(log.filter((line) => line.includes(`"request":"${job.id}"`)).length).toBeGreaterThan(0);
      expect(log.join('\n')).not.toContain('zanzibar');
    }
    const counted = async ({ url }: RoleProcess, name: string) =>
      parseExposition(await (await fetch(`${url}/metrics`)).text()).get(`maskwright_${name}_total`)?.samples;
    expect(await counted(engine, 'nats_jobs_claimed')).toMatchObject([{ value: 1 }]);
    expect(await counted(engine, 'texts_finished')).toMatchObject([{ value: 1 }]);
    expect(await counted(gateway, 'nats_jobs_submitted')).toMatchObject([{ value: 1 }]);
    expect(await counted(gateway, 'http_answers')).toMatchObject([{ labels: { outcome: 'done' }, value: 1 }]);
    expect((await fetch(`${engine.url}/generate`, await signedPost(job, { secret: SECRET }))).status).toBe(404);
  });

  it('end in order under load: the engine hands over, the gateway lets its readers go to another', async () => {
    const start = installation({ MASKWRIGHT_GRACE_S: '1', MASKWRIGHT_RUNNING: '1' });
    const [first, second, one] = await Promise.all([start('gateway'), start('gateway'), start('engine')]);
    await Promise.all([first, second, one].map(isReady));
    const job = longJob('long');
    const seen: NumberedEvent[] = [];
    const response = await fetch(`${first.url}/generate`, await signedPost(job, { secret: SECRET }));
    const cut = (async () => {
      for await (const event of eventsOf(response)) {
        if (seen.push(event) !== 20) continue;
        one.child.kill('SIGTERM');
        first.child.kill('SIGTERM');
      }
    })();
    const broken = expect(cut).rejects.toThrow();
    await until(async () => (await readyz(first))[1] === 'draining', 'the gateway drains');
    expect(await one.ended).toBe(0);
    expect(await first.ended).toBe(0);
    await broken;
    await isReady(await start('engine'));
    const last = seen.at(-1)!.seq;
    const path = `/jobs/${job.id}/events?owner=account&after=${last}`;
    const rest: NumberedEvent[] = [];
    for await (const event of eventsOf(await fetch(`${second.url}${path}`, await signedGet(path, undefined, SECRET)))) {
      rest.push(event);
    }
    const all = [...seen, ...rest];
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, i) => i));
    expect(all.filter(({ type }) => type === 'done')).toHaveLength(8);
    expect(all.filter(({ type }) => type === 'step')).toHaveLength(8 * 40);
    expect(second.log.join('\n')).toContain('taken up');
  });
});

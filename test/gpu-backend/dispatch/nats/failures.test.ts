/** What goes wrong: engines that die, hang or are told to end, jobs that kill them, messages from elsewhere, a server that restarts. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { GenerationJob } from '../../../../shared/contract/generation.ts';
import type { GenerationEvent } from '../../../../shared/contract/stream.ts';
import { collect } from '../../collect.ts';
import { live, wait } from '../common.ts';
import { describeNats, type Installation, inlineEngine, jobOf, leaseMs, until } from './setup.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function engineProcess({ server, prefix }: Installation, stepMs: number): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'engine-process.ts'), [
    server.url,
    prefix,
    String(stepMs),
    String(leaseMs),
  ]);
  children.push(child);
  await once(child, 'message');
  return child;
}

async function expected(job: GenerationJob): Promise<GenerationEvent[]> {
  const { dispatch } = inlineEngine();
  await Promise.resolve();
  return collect(dispatch.generate(job, live));
}

describeNats('nothing is lost', (installation) => {
  it('when an engine is killed: another goes on, and no step comes twice', async () => {
    const here = installation();
    const doomed = await engineProcess(here, 30);
    const gateway = await here.gateway();
    const job = jobOf(40);
    const events: GenerationEvent[] = [];
    let other: Awaited<ReturnType<Installation['engine']>> | undefined;
    for await (const event of gateway.generate(job, live)) {
      events.push(event as GenerationEvent);
      if (events.length !== 10) continue;
      doomed.kill('SIGKILL');
      other = await here.engine();
    }
    expect(events).toEqual(await expected(job));
    expect(other?.counted.value('jobs_resumed')).toBe(1);
    expect(gateway.counted.value('steps_repeated')).toBeLessThan(4);
    expect(gateway.counted.value('event_gaps')).toBe(0);
  });

  it('when an engine hangs, is taken for dead and wakes up: it finds its lease lost and stops', async () => {
    const here = installation();
    const hanging = await engineProcess(here, 40);
    const gateway = await here.gateway();
    const job = jobOf(60);
    const events: GenerationEvent[] = [];
    for await (const event of gateway.generate(job, live)) {
      events.push(event as GenerationEvent);
      if (events.length === 5) {
        hanging.kill('SIGSTOP');
        await here.engine({ stepMs: 40 });
      }
      if (events.length === 40) hanging.kill('SIGCONT');
    }
    expect(events).toEqual(await expected(job));
    await until(async () => {
      hanging.send('how many');
      const [counted] = await once(hanging, 'message');
      return counted.leases_lost === 1;
    }, 'the engine has noticed');
    const { jsm } = await here.link('observer');
    await until(async () => (await jsm.streams.info(`${here.prefix}-jobs`)).state.messages === 0, 'no job is left');
  });

  it('when an engine is told to end: what has time ends, the rest is handed over at once, and it exits 0', async () => {
    const here = installation();
    const ending = await engineProcess(here, 30);
    const gateway = await here.gateway();
    const jobs = [jobOf(10), jobOf(100)];
    const all = jobs.map((job) => collect(gateway.generate(job, live)));
    await wait(150);
    await here.engine({ stepMs: 1 });
    const exit = once(ending, 'exit');
    const started = Date.now();
    ending.kill('SIGTERM');
    expect((await exit)[0]).toBe(0);
    const results = await Promise.all(all);
    expect(Date.now() - started).toBeLessThan(3_000);
    expect(results).toEqual(await Promise.all(jobs.map(expected)));
  });

  it('when a job kills every engine: it is set aside, its caller told, and the jobs beside it end', async () => {
    const here = installation();
    let stopping = false;
    const keepUp = async () => {
      while (!stopping) await once(await engineProcess(here, 5), 'exit');
    };
    const keeping = keepUp();
    const gateway = await here.gateway();
    const poison = jobOf(40, { id: `poison-${Date.now()}` });
    const others = [jobOf(50), jobOf(50)];
    const innocent = Promise.all(others.map((job) => collect(gateway.generate(job, live))));
    await expect(collect(gateway.generate(poison, live))).rejects.toMatchObject({
      problem: { code: 'work_abandoned' },
    });
    expect(await innocent).toEqual(await Promise.all(others.map(expected)));
    stopping = true;
    for (const child of children) child.kill('SIGKILL');
    await keeping;
    const { jsm } = await here.link('observer');
    const kept = await jsm.streams.getMessage(`${here.prefix}-set-aside`, { seq: 1 });
    expect(kept?.json<{ job: GenerationJob }>().job.id).toBe(poison.id);
    expect(kept?.header.get('Reason')).toBe('5 tries without progress');
    expect((await jsm.streams.info(`${here.prefix}-jobs`)).state.messages).toBe(0);
  }, 60_000);

  it('when the server is killed and comes back', async () => {
    const here = installation();
    const engines = [await here.engine({ stepMs: 20, room: 3 }), await here.engine({ stepMs: 20, room: 3 })];
    const gateway = await here.gateway();
    const jobs = Array.from({ length: 12 }, () => jobOf(40));
    const all = jobs.map((job) => collect(gateway.generate(job, live)));
    await wait(400);
    await here.server.restart('SIGKILL', 500);
    const more = jobs.map((_, i) => jobOf(10 + i));
    const later = more.map((job) => collect(gateway.generate(job, live)));
    expect(await Promise.all(all)).toEqual(await Promise.all(jobs.map(expected)));
    expect(await Promise.all(later)).toEqual(await Promise.all(more.map(expected)));
    expect(gateway.counted.value('event_gaps')).toBe(0);
    expect(engines.reduce((sum, { counted }) => sum + counted.value('tries_failed'), 0)).toBe(0);
  });

  it('when somebody else writes to its subjects', async () => {
    const here = installation();
    const engine = await here.engine({ stepMs: 5 });
    const gateway = await here.gateway();
    const { nc, js, jsm } = await here.link('stranger');
    await js.publish(`${here.prefix}.jobs.tiny.high`, '{"job":');
    await js.publish(
      `${here.prefix}.jobs.tiny.low`,
      JSON.stringify({ job: jobOf(3), run: 'a b', gateway: 'g', deadline: 1, turn: 0 }),
    );
    for (const subject of ['order', 'who', 'wake', 'engines.x']) nc.publish(`${here.prefix}.${subject}`, 'hello');
    const job = jobOf(30);
    const events: GenerationEvent[] = [];
    for await (const event of gateway.generate(job, live)) {
      if (events.push(event as GenerationEvent) !== 3) continue;
      const [subject] = Object.keys(
        (await jsm.streams.info(`${here.prefix}-events`, { subjects_filter: '>' })).state.subjects!,
      );
      await js.publish(subject, '{"type":"events","run":"other","lease":"l","part":0,"events":[]}');
      await js.publish(subject, '{"type":"events"}');
    }
    expect(events).toEqual(await expected(job));
    await until(() => engine.counted.value('jobs_set_aside') === 2, 'both are set aside');
    expect(engine.counted.value('malformed_messages')).toBe(3);
    expect(gateway.counted.value('malformed_messages')).toBe(2);
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import type { GenerationEvent } from '../../../shared/contract/stream.ts';
import { textsOf } from '../collect.ts';
import { tinySession } from '../tiny-model.ts';
import { until } from '../until.ts';
import { appOf, eventsOf, jobOf, serveApp, signedPost } from './service.ts';

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** A model that takes 30 ms a step. */
const slowSession = () => tinySession(() => pause(30));

describe('a reader on a socket', () => {
  it('who disconnects stops the work within one step', async () => {
    const { app, session, engine, counters } = appOf({ session: slowSession() });
    const { url, close } = await serveApp(app);
    open.push(close);
    const leave = new AbortController();
    const post = await signedPost(jobOf({ template: '{{a:tokens=60}}', diffusion: { steps: 60 } }));
    const response = await fetch(`${url}/generate`, { ...post, signal: leave.signal });
    for await (const event of eventsOf(response)) if (event.type === 'step' && event.step === 5) break;
    leave.abort();
    await until(() => textsOf(engine) === 0);
    const calls = session.calls.length;
    expect(calls).toBeLessThan(50);
    await pause(100);
    expect(session.calls.length).toBe(calls);
    expect([counters.value('texts_cancelled'), counters.value('texts_failed')]).toEqual([1, 0]);
  });

  it('who disconnects while waiting for a slot leaves the queue', async () => {
    const { app, engine } = appOf({ session: slowSession(), capacity: { running: 1 } });
    const { url, close } = await serveApp(app);
    open.push(close);
    const first = await fetch(`${url}/generate`, await signedPost(jobOf({ template: '{{a:tokens=20}}' })));
    const leave = new AbortController();
    const post = await signedPost(jobOf({ template: '{{a:tokens=20}}' }));
    const waiting = fetch(`${url}/generate`, { ...post, signal: leave.signal });
    await until(() => textsOf(engine) === 2);
    leave.abort();
    await expect(waiting).rejects.toThrow();
    await until(() => textsOf(engine) === 1);
    let last: GenerationEvent | undefined;
    for await (const event of eventsOf(first)) last = event;
    expect(last?.type).toBe('done');
  });

  it('at random steps, 30 times, leaves nothing behind', async () => {
    const { app, session, engine, counters } = appOf({
      session: tinySession(() => pause(1)),
      capacity: { running: 4, waiting: 100 },
    });
    const { url, close } = await serveApp(app);
    open.push(close);
    await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const leave = new AbortController();
        const job = jobOf({ template: '{{a:tokens=40}}', seed: i, diffusion: { steps: 40 } });
        const response = await fetch(`${url}/generate`, { ...(await signedPost(job)), signal: leave.signal });
        for await (const event of eventsOf(response)) if (event.type === 'step' && event.step > (i * 7) % 30) break;
        leave.abort();
      }),
    );
    await until(() => textsOf(engine) === 0);
    expect(counters.value('texts_cancelled') + counters.value('texts_finished')).toBe(30);
    const calls = session.calls.length;
    await pause(50);
    expect(session.calls.length).toBe(calls);
  });
});

/** What a reader may do while his job is worked on elsewhere: leave, fall behind, run out of time, come back at another gateway. */

import { expect, it } from 'vitest';
import { createGate, eagerReader } from '../../../../gpu-backend/engine/reader.ts';
import type { GenerationEvent } from '../../../../shared/contract/stream.ts';
import { collect } from '../../collect.ts';
import { live, wait } from '../common.ts';
import { describeNats, inlineEngine, jobOf, until } from './setup.ts';

const texts = (events: readonly GenerationEvent[]) =>
  events.flatMap((event) => (event.type === 'done' ? [event.text] : []));

describeNats('a reader at a gateway', (installation) => {
  it('who leaves before his job is begun takes it off the stream', async () => {
    const here = installation();
    const engine = await here.engine({ stepMs: 30, room: 1 });
    const gateway = await here.gateway();
    const first = collect(gateway.generate(jobOf(20), live));
    await until(() => engine.counted.value('jobs_claimed') === 1, 'the first job is begun');
    const gone = new AbortController();
    const second = collect(gateway.generate(jobOf(20), eagerReader(gone.signal)));
    const left = expect(second).rejects.toThrow('left');
    await wait(100);
    gone.abort(new Error('left'));
    await left;
    const { jsm } = await here.link('observer');
    await until(async () => (await jsm.streams.info(`${here.prefix}-jobs`)).state.messages === 1, 'one job lies there');
    expect((await first).at(-1)?.type).toBe('done');
    await until(async () => (await jsm.streams.info(`${here.prefix}-jobs`)).state.messages === 0, 'none lies there');
    expect(engine.counted.value('jobs_claimed')).toBe(1);
  });

  it('has a problem at his deadline, begun or not, and the work ends', async () => {
    const here = installation();
    const engine = await here.engine({ stepMs: 50, room: 1 });
    const gateway = await here.gateway();
    const started = Date.now();
    const outcomes = await Promise.allSettled(
      [jobOf(100, { deadline_ms: 500 }), jobOf(100, { deadline_ms: 500 })].map((job) =>
        collect(gateway.generate(job, live)),
      ),
    );
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { problem: { code: 'deadline_exceeded' } } });
    }
    expect(Date.now() - started).toBeLessThan(4_000);
    const steps = engine.steps();
    await wait(300);
    expect(engine.steps()).toBeLessThanOrEqual(steps + 1);
  });

  it('who falls behind frees the engine before its next step, and gets the rest when he wants more', async () => {
    const here = installation();
    const engine = await here.engine({ stepMs: 20, room: 1 });
    const gateway = await here.gateway();
    const job = jobOf(30);
    const wants = createGate();
    const events: GenerationEvent[] = [];
    const reading = (async () => {
      for await (const event of gateway.generate(job, { signal: live.signal, wants })) {
        events.push(event as GenerationEvent);
        if (events.length === 5) wants.set(false);
      }
    })();
    await until(() => engine.counted.value('jobs_rested') === 1, 'the job rests');
    // The step under way, and one that the order crossed.
    expect(events.length).toBeLessThanOrEqual(7);
    const other = await collect(gateway.generate(jobOf(5), live));
    expect(other.at(-1)?.type).toBe('done');
    expect(texts(events)).toEqual([]);
    wants.set(true);
    await reading;
    const inline = inlineEngine();
    await Promise.resolve();
    expect(events).toEqual(await collect(inline.dispatch.generate(job, live)));
    expect(engine.counted.value('jobs_claimed')).toBe(3);
  });

  it('finds his stream at another gateway, whole, and the first lets go of it', async () => {
    const here = installation();
    await here.engine({ stepMs: 20 });
    const [first, second] = [await here.gateway(), await here.gateway()];
    const job = jobOf(30, { owner: 'me' });
    const early: GenerationEvent[] = [];
    const reading = (async () => {
      for await (const event of first.generate(job, live)) early.push(event as GenerationEvent);
    })();
    const gone = expect(reading).rejects.toMatchObject({ problem: { code: 'stream_gone' } });
    await until(() => early.length > 5, 'some events came');
    const events = await collect(second.attach(job.id, 'me', live));
    await gone;
    const inline = inlineEngine();
    await Promise.resolve();
    expect(events).toEqual(await collect(inline.dispatch.generate(job, live)));
    expect(events.slice(0, early.length)).toEqual(early);
    expect(await collect(second.attach(job.id, 'me', live))).toEqual(events); // a stream that has ended is still there
    for (const [id, owner] of [
      [job.id, 'you'],
      [job.id, undefined],
      ['no-such-job', 'me'],
    ] as const) {
      await expect(collect(second.attach(id, owner, live))).rejects.toMatchObject({ problem: { code: 'stream_gone' } });
    }
  });

  it('can be told by any gateway what his job did, while it runs and after its end', async () => {
    const here = installation();
    await here.engine({ stepMs: 10 });
    const [first, second] = [await here.gateway(), await here.gateway()];
    const job = jobOf(20, { owner: 'me' });
    const seen: GenerationEvent[] = [];
    const reading = (async () => {
      for await (const event of first.generate(job, live)) seen.push(event as GenerationEvent);
    })();
    await until(() => seen.length > 5, 'some events came');
    const early = await second.work!(job.id, 'me');
    expect(early).toMatchObject({ state: 'running', texts: [{ positions: 20 }] });
    expect(early?.texts[0].denoising_steps).toBeGreaterThanOrEqual(5);
    await reading; // nobody took the stream from him
    expect(seen.at(-1)?.type).toBe('done');
    const texts = [{ positions: 20, denoising_steps: 20 }];
    const whole = { id: job.id, state: 'ended', outcome: 'done', texts };
    for (const gateway of [first, second]) expect(await gateway.work!(job.id, 'me')).toEqual(whole);
    for (const [id, owner] of [
      [job.id, 'you'],
      ['no-such-job', 'me'],
    ]) {
      expect(await second.work!(id, owner)).toBeUndefined();
    }
  });

  it('who left has the steps that ran in his account, and the next run of the same job is added to it', async () => {
    const here = installation();
    await here.engine({ stepMs: 10 });
    const gateway = await here.gateway();
    const job = jobOf(30, { owner: 'me' });
    const gone = new AbortController();
    let steps = 0;
    const reading = (async () => {
      for await (const event of gateway.generate(job, eagerReader(gone.signal))) {
        if (event.type === 'step' && ++steps === 4) gone.abort(new Error('left'));
      }
    })();
    await expect(reading).rejects.toThrow('left');
    const workOf = () => gateway.work!(job.id, 'me');
    await until(async () => (await workOf())?.state === 'ended', 'its record says that it was cancelled');
    expect(await workOf()).toMatchObject({ outcome: 'left' });
    await collect(gateway.generate(job, live));
    const { texts } = (await workOf())!;
    expect(texts.map(({ denoising_steps }) => denoising_steps)).toEqual([expect.any(Number), 30]);
    expect(texts[0].denoising_steps).toBeGreaterThanOrEqual(4);
    expect(texts[0].denoising_steps).toBeLessThan(30);
  });

  it('who sends his job twice gets one run of it', async () => {
    const here = installation();
    const engine = await here.engine({ stepMs: 10 });
    const [first, second] = [await here.gateway(), await here.gateway()];
    const job = jobOf(20);
    const early = collect(first.generate(job, live));
    const gone = expect(early).rejects.toMatchObject({ problem: { code: 'stream_gone' } });
    await until(() => engine.counted.value('jobs_claimed') === 1, 'the job is begun');
    const events = await collect(second.generate(job, live));
    await gone;
    expect(texts(events)).toHaveLength(1);
    expect(engine.counted.value('jobs_claimed')).toBe(1);
  });

  it('who sends a job again that he cancelled gets it', async () => {
    const here = installation();
    await here.engine({ stepMs: 10 });
    const gateway = await here.gateway();
    const job = jobOf(20);
    const gone = new AbortController();
    const reading = collect(gateway.generate(job, eagerReader(gone.signal)));
    const left = expect(reading).rejects.toThrow('left');
    await wait(100);
    gone.abort(new Error('left'));
    await left;
    await until(() => gateway.counted.value('jobs_cancelled') === 1, 'it is cancelled');
    expect(texts(await collect(gateway.generate(job, live)))).toHaveLength(1);
  });

  it('is refused where no engine has the model, and where too much is waiting', async () => {
    const here = installation();
    const engine = await here.engine({ stepMs: 40, room: 1 });
    const gateway = await here.gateway({ waitingS: 2 });
    const stop = new AbortController();
    const reader = eagerReader(stop.signal);
    // One is worked on and two may wait, a second each as far as anybody knows.
    const many = Array.from({ length: 12 }, () => collect(gateway.generate(jobOf(50), reader)));
    const refused = many.map((job) => job.then(() => undefined).catch((reason) => reason.problem?.code));
    await wait(200);
    const early = await Promise.all(refused.map((code) => Promise.race([code, undefined])));
    expect(early.filter((code) => code === 'overloaded').length).toBeGreaterThanOrEqual(8);
    stop.abort(new Error('enough'));
    await Promise.all(refused);
    await engine.drain(100);
    await expect(collect(gateway.generate(jobOf(5), live))).rejects.toMatchObject({
      problem: { code: 'backend_unavailable' },
    });
  });
});

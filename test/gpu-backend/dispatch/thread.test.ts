/** The line between the two threads, over real message ports; test/gpu-backend/main.test.ts runs it with a real thread. */

import { describe, expect, it } from 'vitest';
import { createGate, eagerReader } from '../../../gpu-backend/engine/reader.ts';
import { collect } from '../collect.ts';
import { itDrains, job, live, wait } from './common.ts';
import { lineTo } from './line.ts';

/** Whether a promise has settled already, or within a moment. */
const isHere = (promise: Promise<unknown>) => Promise.race([promise.then(() => true), wait(20).then(() => false)]);

describe('threadDispatch', () => {
  it('is loading until the engine is ready, then gives the events of the engine', async () => {
    const { dispatch, engine, counters } = lineTo();
    expect(dispatch.unready()).toBe('loading');
    await dispatch.ready;
    expect(dispatch.unready()).toBeUndefined();
    expect(dispatch.models()).toEqual(engine.models);
    expect(await collect(dispatch.generate(job, live))).toEqual(await collect(engine.generate(job, live)));
    expect(await dispatch.metrics()).toEqual(await counters.snapshot());
    expect(await dispatch.load()).toEqual(engine.load);
  });

  it('passes problems on as they are, and other failures with their message', async () => {
    const { dispatch } = lineTo(() => Promise.reject(new Error('the device is gone')));
    await dispatch.ready;
    const unknown = { id: 'r', request: { ...job.request, model: 'other' } };
    await expect(collect(dispatch.generate(unknown, live))).rejects.toMatchObject({
      problem: { code: 'unknown_model', pointer: '/model' },
    });
    await expect(collect(dispatch.generate(job, live))).rejects.toThrow('the device is gone');
  });

  it.each(['an abort', 'a reader who breaks off'])('stops the work at %s', async (how) => {
    const { dispatch, session } = lineTo(() => wait(5));
    await dispatch.ready;
    const controller = new AbortController();
    const reading = (async () => {
      for await (const event of dispatch.generate(job, eagerReader(controller.signal))) {
        if (event.type !== 'step' || event.step < 2) continue;
        if (how === 'an abort') controller.abort(new Error('gone'));
        else break;
      }
    })();
    if (how === 'an abort') await expect(reading).rejects.toThrow('gone');
    else await reading;
    await wait(30);
    const evaluations = session.calls.length;
    await wait(60);
    expect(session.calls.length).toBe(evaluations);
    expect(evaluations).toBeLessThan(10);
  });

  it('rests while the gate is shut: no step is begun, and no more waits than was under way', async () => {
    const { dispatch, session } = lineTo(() => wait(5));
    await dispatch.ready;
    const wants = createGate();
    const events = dispatch.generate(job, { signal: live.signal, wants });
    for (let n = 0; n < 3; n++) await events.next();
    wants.set(false);
    await wait(20);
    const evaluations = session.calls.length;
    expect(evaluations).toBeLessThanOrEqual(4);
    await wait(60);
    expect(session.calls).toHaveLength(evaluations);
    // What came over meanwhile is handed out; then nothing more until the gate opens.
    let steps = 2;
    let turn = events.next();
    for (; await isHere(turn); steps++) turn = events.next();
    expect(steps).toBe(evaluations);
    wants.set(true);
    expect((await turn).value).toMatchObject({ type: 'step', step: evaluations + 1 });
    expect((await collect(events)).at(-1)?.type).toBe('done');
  });

  it('gives its place to others while its reader is away, and goes on when he is back', async () => {
    const { dispatch } = lineTo(() => wait(5));
    await dispatch.ready;
    const wants = createGate();
    const events = collect(dispatch.generate(job, { signal: live.signal, wants }));
    await wait(15);
    wants.set(false);
    for (let waited = 0; (await dispatch.load()).running > 0; waited += 20) {
      if (waited > 5_000) throw new Error('it never rested');
      await wait(20);
    }
    wants.set(true);
    expect((await events).map(({ type }) => type)).toEqual(['accepted', ...new Array(10).fill('step'), 'done']);
  });

  itDrains(async (stepMs) => {
    const { dispatch } = lineTo(() => wait(stepMs));
    await dispatch.ready;
    return dispatch;
  });

  it('fails what runs, and takes nothing, when the thread has ended', async () => {
    const { dispatch } = lineTo(() => wait(50));
    await dispatch.ready;
    const running = collect(dispatch.generate(job, live));
    const outcome = expect(running).rejects.toMatchObject({ problem: { code: 'backend_unavailable' } });
    await wait(5);
    dispatch.ended(new Error('out of memory'));
    await outcome;
    expect(dispatch.unready()).toBe('stopped');
    await expect(collect(dispatch.generate(job, live))).rejects.toMatchObject({
      problem: { code: 'backend_unavailable' },
    });
    await dispatch.drain(10);
  });
});

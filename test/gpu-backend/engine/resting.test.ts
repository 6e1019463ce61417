import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAdmission } from '../../../gpu-backend/engine/admission.ts';
import { createCounters } from '../../../gpu-backend/engine/counters.ts';
import { createEngine } from '../../../gpu-backend/engine/engine.ts';
import { createGate, eagerReader } from '../../../gpu-backend/engine/reader.ts';
import { createLounge, restWith } from '../../../gpu-backend/engine/resting.ts';
import { fixedModels } from '../../../gpu-backend/model/pool.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import type { GenerationEvent } from '../../../shared/contract/stream.ts';
import { collect, textsOf } from '../collect.ts';
import { plainConstraint } from '../plain-constraint.ts';
import { tinyModel, tinySession } from '../tiny-model.ts';
import { until } from '../until.ts';

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const live = eagerReader(new AbortController().signal);
const jobOf = (seed: number, n = 1): GenerationJob => ({
  id: `r${seed}`,
  request: { model: 'tiny', seed, template: '{{a:tokens=12}}', diffusion: { steps: 12 }, n },
});

function engineOf(capacity: { readonly running: number; readonly resting?: number }) {
  const counters = createCounters();
  const engine = createEngine({
    models: fixedModels([tinyModel(tinySession())]),
    check: () => ({ held: [], failed: [] }),
    makeConstraint: plainConstraint,
    counters,
    capacity: { restAfterMs: 5, ...capacity },
  });
  /** A job whose reader shuts his gate after so many steps. */
  const begin = (job: GenerationJob, afterSteps = 3) => {
    const wants = createGate();
    const stop = new AbortController();
    const shut = Promise.withResolvers<void>();
    let steps = 0;
    const all = (async () => {
      const events: GenerationEvent[] = [];
      for await (const event of engine.generate(job, { signal: stop.signal, wants })) {
        if (event.type === 'checkpoint') continue;
        events.push(event);
        if (event.type !== 'step' || ++steps !== afterSteps) continue;
        wants.set(false);
        shut.resolve();
      }
      return events;
    })();
    all.catch(() => {});
    return { all, wants, stop, shut: shut.promise };
  };
  return { engine, counters, begin };
}

const perText = (events: readonly GenerationEvent[]) =>
  [0, 1].map((index) => events.filter((event) => event.type !== 'problem' && event.index === index));

describe('a job whose reader is away', () => {
  it('holds nobody up, and gives the same events when he comes back', async () => {
    const { engine, begin } = engineOf({ running: 2 });
    const resting = begin(jobOf(1, 2));
    await resting.shut;
    // Both places were taken; whoever comes now gets them.
    const others = [2, 3, 4].map((seed) => collect(engine.generate(jobOf(seed), live)));
    for (const events of await Promise.all(others)) expect(events.at(-1)?.type).toBe('done');
    expect(engine.load).toMatchObject({ running: 0, waiting: 0, room: 2 });
    resting.wants.set(true);
    const alone = await collect(engineOf({ running: 2 }).engine.generate(jobOf(1, 2), live));
    expect(perText(await resting.all)).toEqual(perText(alone));
  });

  it('keeps its place for a moment', async () => {
    const { engine, begin } = engineOf({ running: 1 });
    const resting = begin(jobOf(1));
    await resting.shut;
    expect(engine.load.running).toBe(1);
    resting.wants.set(true);
    await resting.all;
    expect(textsOf(engine)).toBe(0);
  });

  it('ends when too many rest that began to later, and others of them go on', async () => {
    const { engine, counters, begin } = engineOf({ running: 1, resting: 2 });
    const jobs = [];
    for (const seed of [1, 2, 3]) {
      const job = begin(jobOf(seed));
      jobs.push(job);
      await job.shut;
      await until(() => engine.load.running === 0);
    }
    await expect(jobs[0].all).rejects.toMatchObject({ problem: { code: 'stream_gone' } });
    expect(counters.value('texts_cancelled')).toBe(1);
    for (const { wants } of jobs) wants.set(true);
    for (const { all } of jobs.slice(1)) expect((await all).at(-1)?.type).toBe('done');
    expect(textsOf(engine)).toBe(0);
  });

  it('ends at once when he goes for good', async () => {
    const { engine, begin } = engineOf({ running: 1 });
    const resting = begin(jobOf(1));
    await resting.shut;
    await until(() => engine.load.running === 0);
    resting.stop.abort(new Error('gone'));
    await expect(resting.all).rejects.toThrow('gone');
    resting.wants.set(true);
    await pause(10);
    expect(textsOf(engine)).toBe(0);
  });
});

it('a job that ends while its last evaluation is under way does not begin to rest', async () => {
  const lounge = createLounge(2, 1);
  const wants = createGate();
  const stop = new AbortController();
  const admission = createAdmission({ running: 1, waiting: 1, waitingS: 1, workPerSecond: 1 });
  const places = await admission.enter({ texts: 1, work: 1 }, stop.signal);
  const rests = restWith({ signal: stop.signal, wants }, places, lounge, () => {});
  const evaluation = Promise.withResolvers<void>();
  const work = rests.work(() => evaluation.promise);
  wants.set(false);
  await pause(10);
  expect([lounge.size, admission.load.running]).toEqual([0, 1]); // it still works at its place
  stop.abort(new Error('the job has ended'));
  rests.stop();
  places.leave();
  evaluation.resolve();
  await work;
  expect([lounge.size, admission.load.running]).toEqual([0, 0]);
});

it('jobs whose readers come and go at random all end with the events they have alone', async () => {
  const alone = await Promise.all(
    [0, 1, 2, 3, 4].map((seed) => collect(engineOf({ running: 8 }).engine.generate(jobOf(seed, 2), live))),
  );
  const coming = fc.array(fc.tuple(fc.nat(4), fc.nat(8)), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(coming, async (turns) => {
      const { engine, begin } = engineOf({ running: 3 });
      const jobs = alone.map((_, seed) => begin(jobOf(seed, 2), seed + 1));
      for (const [which, ms] of turns) {
        jobs[which].wants.set(!jobs[which].wants.open);
        await pause(ms);
      }
      // One after the other, so that each return has to wait for places that others hold.
      await Promise.race([Promise.all(jobs.map(({ shut }) => shut)), pause(30)]);
      const opening = setInterval(() => {
        for (const { wants } of jobs) wants.set(true);
      }, 5);
      const events = await Promise.all(jobs.map(({ all }) => all));
      clearInterval(opening);
      expect(events.map(perText)).toEqual(alone.map(perText));
      expect(textsOf(engine)).toBe(0);
    }),
    { numRuns: 12 },
  );
});

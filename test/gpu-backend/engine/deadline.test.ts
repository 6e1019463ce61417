import { expect, it } from 'vitest';
import { createCounters } from '../../../gpu-backend/engine/counters.ts';
import { createEngine } from '../../../gpu-backend/engine/engine.ts';
import { eagerReader } from '../../../gpu-backend/engine/reader.ts';
import { fixedModels } from '../../../gpu-backend/model/pool.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import { collect, textsOf } from '../collect.ts';
import { plainConstraint } from '../plain-constraint.ts';
import { tinyModel, tinySession } from '../tiny-model.ts';

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const live = eagerReader(new AbortController().signal);
const STEP_MS = 20;

function engineOf(deadlineMs?: number) {
  const session = tinySession(() => pause(STEP_MS));
  const counters = createCounters();
  const engine = createEngine({
    models: fixedModels([tinyModel(session)]),
    check: () => ({ held: [], failed: [] }),
    makeConstraint: plainConstraint,
    counters,
    capacity: { running: 2 },
    deadlineMs,
  });
  const request = { model: 'tiny', seed: 1, template: '{{a:tokens=40}}', diffusion: { steps: 40 }, n: 2 };
  /** 0.8 s of work. */
  const run = (changes: Partial<GenerationJob> = {}) =>
    collect(engine.generate({ id: 'r', request, ...changes }, live));
  return { engine, session, counters, run };
}
const late = (ms: number) => ({ problem: { code: 'deadline_exceeded', detail: expect.stringContaining(`${ms} ms`) } });

it('a job that runs beyond its deadline ends before its next step', async () => {
  const { engine, session, counters, run } = engineOf();
  await expect(run({ deadline_ms: 90 })).rejects.toMatchObject(late(90));
  const evaluations = session.calls.length;
  expect(evaluations).toBeLessThanOrEqual(Math.ceil(90 / STEP_MS));
  await pause(3 * STEP_MS);
  expect(session.calls.length).toBe(evaluations);
  expect([counters.value('texts_expired'), counters.value('texts_failed'), textsOf(engine)]).toEqual([2, 0, 0]);
});

it('a job whose deadline passes while it waits leaves the queue, and its neighbour never knows', async () => {
  const { engine, session, counters, run } = engineOf();
  const neighbour = run();
  await expect(run({ deadline_ms: 60 })).rejects.toMatchObject(late(60));
  expect(engine.load).toMatchObject({ running: 2, waiting: 0 });
  expect((await neighbour).filter(({ type }) => type === 'done')).toHaveLength(2);
  expect(session.calls.every(({ batch }) => batch === 2)).toBe(true);
  expect([counters.value('texts_expired'), counters.value('texts_started')]).toEqual([2, 2]);
});

it('a job that states none has the one of the service', async () => {
  await expect(engineOf(70).run()).rejects.toMatchObject(late(70));
});

/** Several engines as one, over real message ports; test/gpu-backend/roles/engines.test.ts runs it with real threads. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createShares, type Share } from '../../../gpu-backend/dispatch/shares.ts';
import { spreadWork } from '../../../gpu-backend/dispatch/spread.ts';
import { createGate } from '../../../gpu-backend/engine/reader.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import type { Problem, ProblemError } from '../../../shared/contract/problem.ts';
import { collect, textsOf } from '../collect.ts';
import { parseExposition } from '../exposition.ts';
import { until } from '../until.ts';
import { itDrains, job, live, wait } from './common.ts';
import { lineTo } from './line.ts';

const PLACES = 6;
type Line = ReturnType<typeof lineTo>;

async function spread(lines: readonly Line[]) {
  const dispatch = spreadWork(
    lines.map((line) => line.dispatch),
    PLACES,
  );
  await dispatch.ready;
  return dispatch;
}

/** The problem that a job ends with. */
const refusalOf = (events: ReturnType<Line['dispatch']['generate']>): Promise<Problem> =>
  collect(events).then(
    () => Promise.reject(new Error('nothing was refused')),
    (thrown: ProblemError) => thrown.problem,
  );

let ids = 0;
/** Of so many steps: so much work. */
const jobOf = (steps: number, request: Partial<GenerationJob['request']> = {}): GenerationJob => ({
  id: `spread-${++ids}`,
  request: { ...job.request, ...request, diffusion: { steps } },
});

/** Evaluations that wait until they are let go. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { before: () => promise, letGo: resolve };
}

describe('spreadWork', () => {
  it('is ready when every engine is, and never where one cannot be', async () => {
    const second = Promise.withResolvers<void>();
    const lines = [lineTo(), lineTo(undefined, { loading: second.promise })];
    const dispatch = spreadWork(
      lines.map((line) => line.dispatch),
      PLACES,
    );
    await lines[0].dispatch.ready;
    expect(dispatch.unready()).toBe('loading');
    await expect(collect(dispatch.generate(job, live))).rejects.toMatchObject({
      problem: { code: 'backend_unavailable' },
    });
    second.resolve();
    await dispatch.ready;
    expect(dispatch.unready()).toBeUndefined();
    expect(dispatch.models()).toEqual(lines[0].engine.models);
    const broken = lineTo(undefined, { loading: Promise.reject(new Error('no such model')) });
    await expect(spread([lineTo(), broken])).rejects.toThrow('no such model');
  });

  it('gives a job to the engine with the least work, not with the fewest texts, while it has a place', async () => {
    const { before, letGo } = held();
    const lines = [lineTo(before), lineTo(before)];
    const dispatch = await spread(lines);
    const results: Promise<unknown>[] = [];
    const counts = async (...steps: readonly number[]) => {
      for (const count of steps) {
        const texts = () => textsOf(lines[0].engine) + textsOf(lines[1].engine);
        const sum = texts();
        results.push(collect(dispatch.generate(jobOf(count), live)));
        await until(() => texts() > sum);
      }
      return lines.map(({ engine }) => textsOf(engine));
    };
    expect(await counts(10, 1, 1, 1)).toEqual([1, 3]);
    expect(await counts(1, 1, 1)).toEqual([1, PLACES]);
    expect(await counts(1, 1)).toEqual([3, PLACES]); // where it begins at once, though there is more to do
    expect(await dispatch.load()).toMatchObject({
      running: 9,
      waiting: 0,
      room: 3,
      backlogSeconds: expect.any(Number),
    });
    letGo();
    await Promise.all(results);
    expect(await dispatch.load()).toMatchObject({ running: 0, room: 2 * PLACES });
    // Nothing is left of what has ended: the first has no more to do than the second, and comes first.
    const calls = lines.map(({ session }) => session.calls.length);
    await collect(dispatch.generate(jobOf(1), live));
    expect(lines.map(({ session }, i) => session.calls.length > calls[i])).toEqual([true, false]);
  });

  it('does not count a job that rests', async () => {
    const lines = [lineTo(), lineTo()];
    const dispatch = await spread(lines);
    const wants = createGate(false);
    const resting = collect(dispatch.generate(jobOf(10), { signal: live.signal, wants }));
    await until(() => textsOf(lines[0].engine) === 1);
    await collect(dispatch.generate(jobOf(1), live));
    expect(lines.map(({ session }) => session.calls.length > 0)).toEqual([true, false]);
    wants.set(true);
    await resting;
  });

  it('stays where the model is open, until there is more to do than opening it takes', async () => {
    const { before, letGo } = held();
    const lines = [lineTo(before), lineTo(before)];
    const dispatch = await spread(lines);
    lines[0].tell({ id: 'tiny', state: 'unloaded' });
    lines[1].tell({ id: 'tiny', state: 'ready' });
    await until(() => dispatch.states?.().length === 1);
    const texts = () => lines.map(({ engine }) => textsOf(engine));
    const results: Promise<unknown>[] = [];
    for (let count = 1; texts()[0] === 0; count++) {
      results.push(collect(dispatch.generate(jobOf(10), live)));
      await until(() => texts()[0] + texts()[1] === count);
      expect(count).toBeLessThan(100);
    }
    expect(texts()[1]).toBeGreaterThan(1);
    letGo();
    await Promise.all(results);
  });

  it('has the same events whichever engine makes them', async () => {
    const alone = lineTo();
    await alone.dispatch.ready;
    const jobs = Array.from({ length: 12 }, (_, seed) => jobOf(5, { seed, n: 1 + (seed % 2) }));
    const expected: unknown[] = [];
    for (const one of jobs) expected.push(await collect(alone.engine.generate(one, live)));
    const lines = [lineTo(), lineTo(), lineTo()];
    const dispatch = await spread(lines);
    expect(await Promise.all(jobs.map((one) => collect(dispatch.generate(one, live))))).toEqual(expected);
    for (const { session } of lines) expect(session.calls.length).toBeGreaterThan(0);
    const families = parseExposition(await dispatch.metrics());
    expect(families.get('maskwright_texts_finished_total')?.samples).toMatchObject([{ value: 18 }]);
    expect(families.get('maskwright_texts_running')?.samples).toMatchObject([{ value: 0 }]);
  });

  it('goes round with a job that is refused, and says when there is room the soonest if all refuse it', async () => {
    const { before, letGo } = held();
    const capacity = { running: 1, waiting: 0, workPerSecond: 1 };
    const lines = [lineTo(before, { capacity }), lineTo(before, { capacity })];
    const dispatch = await spread(lines);
    // Work that came another way: nothing of it is known here.
    const others = [collect(lines[0].engine.generate(jobOf(10), live))];
    const taken = collect(dispatch.generate(jobOf(1), live));
    await until(() => textsOf(lines[1].engine) === 1);
    const alone = async ({ dispatch: engine }: Line) => (await refusalOf(engine.generate(jobOf(1), live))).retryAfter!;
    const soonest = Math.min(await alone(lines[0]), await alone(lines[1]));
    expect(await refusalOf(dispatch.generate(jobOf(1), live))).toMatchObject({
      ...{ code: 'overloaded', retryAfter: soonest },
    });
    expect(soonest).toBeLessThan(await alone(lines[0]));
    letGo();
    expect((await taken).at(-1)?.type).toBe('done');
    await Promise.all(others);
  });

  it('goes round with nothing else', async () => {
    const lines = [lineTo(() => Promise.reject(new Error('the device is gone'))), lineTo()];
    const dispatch = await spread(lines);
    await expect(collect(dispatch.generate(job, live))).rejects.toThrow('the device is gone');
    expect(lines[1].session.calls).toEqual([]);
    const unknown = { id: 'r', request: { ...job.request, model: 'other' } };
    expect(await refusalOf(dispatch.generate(unknown, live))).toMatchObject({ code: 'unknown_model' });
  });

  it('takes nothing more when a thread has ended, and fails what ran there', async () => {
    const lines = [lineTo(() => wait(5)), lineTo(() => wait(5))];
    const dispatch = await spread(lines);
    const running = [collect(dispatch.generate(job, live)), collect(dispatch.generate(job, live))];
    const failed = expect(running[1]).rejects.toMatchObject({ problem: { code: 'backend_unavailable' } });
    await until(() => lines.every(({ engine }) => textsOf(engine) === 1));
    lines[1].dispatch.ended(new Error('out of memory'));
    await failed;
    expect(dispatch.unready()).toBe('stopped');
    await expect(collect(dispatch.generate(job, live))).rejects.toMatchObject({
      problem: { code: 'backend_unavailable' },
    });
    await dispatch.drain(10_000);
    expect((await running[0]).at(-1)?.type).toBe('done');
  });

  it.each([
    [['ready', 'loading'], 'loading'],
    [['unloaded', 'ready'], 'ready'],
    [['ready', 'waiting'], 'waiting'],
    [['unloaded', 'unloaded'], 'unloaded'],
  ] as const)('says of a model that is %s that it is %s', async (states, said) => {
    const lines = [lineTo(), lineTo()];
    const dispatch = await spread(lines);
    for (const [i, state] of states.entries()) lines[i].tell({ id: 'tiny', state });
    await until(() => lines.every((line) => line.dispatch.states?.().length === 1));
    expect(dispatch.states?.()).toEqual([{ id: 'tiny', state: said }]);
    lines[0].tell({ id: 'tiny', state: 'unloaded', fault: 'no memory' });
    await until(() => lines[0].dispatch.states?.()[0].fault !== undefined);
    if (states[1] === 'ready') expect(dispatch.states?.()).toMatchObject([{ fault: 'no memory' }]);
  });

  itDrains((stepMs) => spread([lineTo(() => wait(stepMs)), lineTo(() => wait(stepMs))]));
});

describe('shares', () => {
  it('are the sum of what is left of the jobs that do not rest, and nothing when all have left', () => {
    const action = fc.record({
      what: fc.constantFrom('add', 'finished', 'rest', 'go', 'leave'),
      job: fc.nat(9),
      work: fc.integer({ min: 1, max: 1_000 }),
      texts: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(action), (actions) => {
        const shares = createShares();
        const jobs: { share: Share; work: number; all: number; texts: number; resting: boolean }[] = [];
        for (const { what, job: number, work, texts } of actions) {
          if (what === 'add') jobs.push({ share: shares.add(work, texts), work, all: texts, texts, resting: false });
          const one = jobs[number % Math.max(1, jobs.length)];
          if (one === undefined) continue;
          if (what === 'finished' && one.texts > 0) {
            one.texts--;
            one.share.finished();
          } else if (what === 'rest' || what === 'go') {
            one.resting = what === 'rest';
            one.share.rest(one.resting);
          } else if (what === 'leave') {
            one.share.leave();
            jobs.splice(jobs.indexOf(one), 1);
          }
          const busy = jobs.filter(({ resting }) => !resting);
          expect(shares.texts).toBe(busy.reduce((sum, { texts: left }) => sum + left, 0));
          const left = busy.reduce((sum, other) => sum + (other.work * other.texts) / other.all, 0);
          expect(shares.work).toBeCloseTo(left);
        }
        for (const { share } of jobs) share.leave();
        expect([shares.work, shares.texts]).toEqual([0, 0]);
      }),
    );
  });
});

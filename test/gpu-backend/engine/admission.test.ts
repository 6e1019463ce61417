import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AdmissionOptions, type Asked, createAdmission } from '../../../gpu-backend/engine/admission.ts';
import { HANDICAP_S } from '../../../gpu-backend/engine/queue.ts';
import { PRIORITIES } from '../../../shared/contract/generation.ts';
import { ProblemError } from '../../../shared/contract/problem.ts';

const live = new AbortController().signal;
const settled = () => new Promise((resolve) => setImmediate(resolve));
const asks = (texts: number, changes: Partial<Asked> = {}): Asked => ({ texts, work: texts, ...changes });

function admissionOf(changes: Partial<AdmissionOptions> = {}) {
  const clock = { ms: 0 };
  const options = { running: 3, waiting: 100, waitingS: 30, workPerSecond: 1, ...changes };
  const admission = createAdmission(options, () => clock.ms);
  /** The problem that a job is refused with, or the places it got in the end. */
  const outcome = (asked: Asked) =>
    admission.enter(asked, live).catch((thrown: unknown) => {
      if (thrown instanceof ProblemError) return thrown.problem;
      throw thrown;
    });
  return { admission, clock, outcome };
}

describe('createAdmission', () => {
  it('lets so many texts run, the others in the order they came', async () => {
    const { admission } = admissionOf();
    const order: string[] = [];
    const first = await admission.enter(asks(2), live);
    const entered = async (name: string, texts: number) => {
      const places = await admission.enter(asks(texts), live);
      order.push(name);
      return places;
    };
    const second = entered('second', 2);
    const third = entered('third', 1);
    await settled();
    expect(order).toEqual([]); // the small one does not overtake
    expect(admission.load).toEqual({ running: 2, waiting: 3, backlogSeconds: 5, room: 0 });
    first.leave();
    for (const places of await Promise.all([second, third])) places.leave();
    expect(order).toEqual(['second', 'third']);
    expect(admission.load).toEqual({ running: 0, waiting: 0, backlogSeconds: 0, room: 3 });
  });

  it('gives the place of a finished text away before its job has ended', async () => {
    const { admission } = admissionOf({ running: 2 });
    const first = await admission.enter(asks(2), live);
    const second = admission.enter(asks(1), live);
    first.finished();
    (await second).leave();
    first.leave();
    expect(admission.load.running).toBe(0);
  });

  it('forgets a waiter that goes away', async () => {
    const { admission } = admissionOf({ running: 1 });
    const first = await admission.enter(asks(1), live);
    const stop = new AbortController();
    const gone = admission.enter(asks(1), stop.signal);
    const next = admission.enter(asks(1), live);
    stop.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    expect(admission.load.waiting).toBe(1);
    first.leave();
    (await next).leave();
    expect(admission.load.running).toBe(0);
    await expect(admission.enter(asks(1), stop.signal)).rejects.toThrow('gone');
  });

  it('lets a job that is larger than the room run alone', async () => {
    const { admission } = admissionOf({ running: 2 });
    const places = await admission.enter(asks(5), live);
    expect(admission.load).toMatchObject({ running: 5, room: 0 });
    places.leave();
  });
});

describe('what would wait too long', () => {
  it('is refused with the time until there is room: the predicted work before it, at the speed there is', async () => {
    const { admission, outcome } = admissionOf({ running: 1, workPerSecond: 10 });
    const first = await admission.enter(asks(1, { work: 200 }), live);
    void outcome(asks(1, { work: 99 }));
    void outcome(asks(1, { work: 75 })); // behind 29.9 s of work
    expect(await outcome(asks(1, { work: 1 }))).toMatchObject({ code: 'overloaded', retryAfter: 8 }); // behind 37.4 s
    first.progress(80);
    void outcome(asks(1, { work: 100 })); // behind 29.4 s
    expect(admission.load.backlogSeconds).toBeCloseTo(39.4);
    expect(await outcome(asks(1, { work: 1 }))).toMatchObject({ retryAfter: 10 });
  });

  it('is not refused for what goes behind it', async () => {
    const { admission, outcome } = admissionOf({ running: 1 });
    const first = await admission.enter(asks(1, { work: 5 }), live);
    void outcome(asks(1, { work: 40, priority: 'low' }));
    expect(await outcome(asks(1, { priority: 'low' }))).toMatchObject({ code: 'overloaded', retryAfter: 15 });
    const urgent = admission.enter(asks(1, { priority: 'high' }), live);
    first.leave();
    (await urgent).leave();
  });

  it('is refused at once when its deadline is sooner than its turn', async () => {
    const { admission, outcome } = admissionOf({ running: 1 });
    await admission.enter(asks(1, { work: 12 }), live);
    const refused = await outcome(asks(1, { deadlineMs: 4_000 }));
    expect(refused).toMatchObject({ code: 'overloaded', retryAfter: 8 });
    expect(refused).toHaveProperty('detail', expect.stringMatching(/4000 ms .*12000 ms/));
    void outcome(asks(1, { deadlineMs: 12_000 }));
    expect(admission.load.waiting).toBe(1);
  });

  it('is refused when too many texts wait, of low priority sooner than of high', async () => {
    const { admission, outcome } = admissionOf({ running: 1, waiting: 8 });
    await admission.enter(asks(1), live);
    const most = async (priority: Asked['priority']) => {
      for (;;) {
        const before = admission.load.waiting;
        const asked = outcome(asks(1, { priority, work: 1 }));
        if (admission.load.waiting > before) continue;
        expect(await asked).toMatchObject({ code: 'overloaded', retryAfter: expect.any(Number) });
        return before;
      }
    };
    expect([await most('low'), await most('normal'), await most('high')]).toEqual([4, 7, 8]);
  });

  it('is judged by the speed that was seen with all places taken', async () => {
    const { admission, clock } = admissionOf({ running: 1, workPerSecond: 100 });
    const first = await admission.enter(asks(1, { work: 1e6 }), live);
    for (let i = 0; i < 60; i++) {
      clock.ms += 1_000;
      first.progress(20);
    }
    const before = admission.load.backlogSeconds;
    expect((1e6 - 60 * 20) / before).toBeCloseTo(20, 0);
    first.leave();
    // Work at a place among many free ones says only that it can be done so fast at least.
    const roomy = admissionOf({ running: 10, workPerSecond: 100 });
    const alone = await roomy.admission.enter(asks(1, { work: 1e6 }), live);
    const work = (amount: number) => {
      roomy.clock.ms += 1_000;
      alone.progress(amount);
      return (1e6 - amount) / roomy.admission.load.backlogSeconds;
    };
    expect(work(20)).toBeCloseTo(100, 0);
    expect(work(300)).toBeGreaterThan(150);
  });
});

describe('who goes first', () => {
  const jobs = fc.array(
    fc.record({
      gapMs: fc.integer({ min: 0, max: 3_000 }),
      priority: fc.constantFrom(...PRIORITIES),
      texts: fc.integer({ min: 1, max: 8 }),
      lastsMs: fc.integer({ min: 1, max: 20_000 }),
    }),
    { minLength: 2, maxLength: 40 },
  );

  it('is whoever came first, but for a head start of 10 s for each priority; no place is kept free but for the first', async () => {
    await fc.assert(
      fc.asyncProperty(jobs, fc.integer({ min: 1, max: 8 }), async (list, running) => {
        const { admission, clock } = admissionOf({ running, waiting: 1e6, waitingS: 1e9 });
        const admitted: { readonly arrival: number; readonly handicap: number; readonly number: number }[] = [];
        const ends: { readonly at: number; readonly texts: number; readonly leave: () => void }[] = [];
        const waiting = new Set<{ readonly rank: number; readonly number: number; readonly texts: number }>();
        const check = () => {
          const inPlaces = ends.reduce((sum, { texts }) => sum + texts, 0);
          expect(inPlaces <= running || ends.length === 1).toBe(true);
          const [first] = [...waiting].sort((a, b) => a.rank - b.rank || a.number - b.number);
          if (first !== undefined) expect(ends.length > 0 && inPlaces + first.texts > running).toBe(true);
        };
        const endUntil = async (ms: number) => {
          for (;;) {
            const next = ends.reduce((a, b) => (a === undefined || b.at < a.at ? b : a), ends[0]);
            if (next === undefined || next.at > ms) break;
            clock.ms = next.at;
            ends.splice(ends.indexOf(next), 1);
            next.leave();
            await settled();
            check();
          }
        };
        let time = 0;
        for (const [number, { gapMs, priority, texts, lastsMs }] of list.entries()) {
          time += gapMs;
          await endUntil(time);
          clock.ms = time;
          const handicap = 1000 * HANDICAP_S[priority];
          const entry = { rank: time + handicap, number, texts };
          const arrival = time;
          waiting.add(entry);
          void admission.enter(asks(texts, { priority }), live).then(({ leave }) => {
            waiting.delete(entry);
            admitted.push({ arrival, handicap, number });
            ends.push({ at: clock.ms + lastsMs, texts, leave });
          });
          await settled();
          check();
        }
        await endUntil(Number.POSITIVE_INFINITY);
        expect(admitted).toHaveLength(list.length);
        admitted.forEach((later, i) => {
          for (const earlier of admitted.slice(0, i)) {
            if (earlier.number < later.number) continue;
            // It overtook: then it is more urgent, and came at most the difference of the handicaps later.
            expect(earlier.handicap).toBeLessThan(later.handicap);
            expect(earlier.arrival - later.arrival).toBeLessThanOrEqual(later.handicap - earlier.handicap);
          }
        });
      }),
      { numRuns: 60 },
    );
  });

  it('is, of equal priority, one that has rested before one that came after it, and is never refused', async () => {
    const { admission, outcome } = admissionOf({ running: 1, waiting: 1 });
    const order: string[] = [];
    const first = await admission.enter(asks(1), live);
    first.rest();
    const second = await admission.enter(asks(1), live);
    const third = admission.enter(asks(1), live).then((places) => {
      order.push('third');
      return places;
    });
    expect(await outcome(asks(1))).toMatchObject({ code: 'overloaded' });
    const back = first.resume(live).then(() => order.push('first'));
    await settled();
    second.leave();
    await back;
    first.leave();
    (await third).leave();
    expect(order).toEqual(['first', 'third']);
    expect(admission.load).toMatchObject({ running: 0, waiting: 0 });
  });
});

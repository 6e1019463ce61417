import { describe, expect, it } from 'vitest';
import { createAdmission } from '../../../gpu-backend/engine/admission.ts';
import { ProblemError } from '../../../shared/contract/problem.ts';

const live = new AbortController().signal;
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('createAdmission', () => {
  it('lets so many texts run, the others in the order they came', async () => {
    const admission = createAdmission({ running: 3, waiting: 10 });
    const order: string[] = [];
    const leaveFirst = await admission.enter(2, live);
    const entered = async (name: string, texts: number) => {
      const leave = await admission.enter(texts, live);
      order.push(name);
      return leave;
    };
    const second = entered('second', 2);
    const third = entered('third', 1);
    await settled();
    expect(order).toEqual([]); // the small one does not overtake
    expect([admission.load.running, admission.load.waiting]).toEqual([2, 3]);
    leaveFirst();
    for (const leave of await Promise.all([second, third])) leave();
    expect(order).toEqual(['second', 'third']);
    expect([admission.load.running, admission.load.waiting]).toEqual([0, 0]);
  });

  it('refuses at once when too many wait, with a time to come back that grows with the backlog', async () => {
    let time = 0;
    const admission = createAdmission({ running: 1, waiting: 2 }, () => time);
    for (let i = 0; i < 100; i++) {
      const leave = await admission.enter(1, live);
      time += 4_000;
      leave();
    }
    const leave = await admission.enter(1, live);
    const waiting = [admission.enter(1, live), admission.enter(1, live)];
    const refused = await admission.enter(1, live).catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(ProblemError);
    expect((refused as ProblemError).problem).toMatchObject({ code: 'overloaded', retryAfter: 12 });
    leave();
    (await waiting[0])();
    (await waiting[1])();
  });

  it('forgets a waiter that goes away', async () => {
    const admission = createAdmission({ running: 1, waiting: 2 });
    const leave = await admission.enter(1, live);
    const stop = new AbortController();
    const gone = admission.enter(1, stop.signal);
    const next = admission.enter(1, live);
    stop.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    expect(admission.load.waiting).toBe(1);
    leave();
    (await next)();
    expect(admission.load.running).toBe(0);
    await expect(admission.enter(1, stop.signal)).rejects.toThrow('gone');
  });

  it('lets a job that is larger than the room run alone', async () => {
    const admission = createAdmission({ running: 2, waiting: 10 });
    const leave = await admission.enter(5, live);
    expect(admission.load.running).toBe(5);
    leave();
  });
});

/** The laws of choosing a service: circuits, latency, the better of two. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderOf } from '../../../edge/backends/choose.ts';
import {
  answered,
  circuitOf,
  costOf,
  FAILURES,
  failed,
  type Health,
  heard,
  newHealth,
  probed,
  probing,
  refused,
} from '../../../edge/backends/health.ts';

const fail = (health: Health, times: number, now: number) => {
  for (let n = 0; n < times; n++) failed(health, now);
  return health;
};
const slow = (ms: number, now: number) => {
  const health = newHealth();
  answered(health, ms, now);
  return health;
};

describe('a circuit', () => {
  it('opens behind so many failures in a row, longer each time, and closes when a probe finds the service', () => {
    const health = fail(newHealth(), FAILURES - 1, 0);
    expect(circuitOf(health, 0)).toBe('closed');
    heard(health, 0);
    fail(health, FAILURES - 1, 0);
    expect(circuitOf(health, 0)).toBe('closed');
    fail(health, 1, 0);
    const openFor = (from: number) => {
      let ms = 0;
      while (circuitOf(health, from + ms) === 'open') ms += 100;
      return ms;
    };
    let now = 0;
    const times = Array.from({ length: 5 }, () => {
      const ms = openFor(now);
      now += ms;
      probing(health, now);
      expect(circuitOf(health, now)).toBe('open'); // for everybody else
      probed(health, false, now);
      return ms;
    });
    expect(times).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
    now += openFor(now);
    probed(health, true, now);
    expect(circuitOf(health, now)).toBe('closed');
    failed(health, now); // on probation
    expect(circuitOf(health, now)).toBe('open');
  });

  it('is probed again where nobody ever said what a probe found', () => {
    const health = fail(newHealth(), FAILURES, 0);
    expect(circuitOf(health, 1_000)).toBe('probe');
    probing(health, 1_000);
    expect(circuitOf(health, 2_900)).toBe('open');
    expect(circuitOf(health, 3_000)).toBe('probe');
  });

  it('never opens for a service that answers in between, whatever else happens', () => {
    const event = fc.constantFrom<(health: Health, now: number) => void>(
      failed,
      (health, now) => answered(health, 10, now),
      (health, now) => refused(health, 1_000, now),
      heard,
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const health = newHealth();
        let row = 0;
        events.forEach((happens, now) => {
          row = happens === failed ? row + 1 : 0;
          if (circuitOf(health, now) === 'closed') happens(health, now);
          if (row < FAILURES && circuitOf(health, now) !== 'closed') row = FAILURES; // opened before, and stays so
          expect(circuitOf(health, now) === 'closed').toBe(row < FAILURES);
        });
      }),
    );
  });
});

describe('the order of services', () => {
  const one = fc.record({
    ms: fc.integer({ min: 1, max: 1_000 }),
    jobs: fc.integer({ min: 0, max: 20 }),
    kind: fc.constantFrom('free', 'busy', 'open'),
  });

  it('has every service once but those that are left alone, and those that are full last', () => {
    fc.assert(
      fc.property(fc.array(one, { maxLength: 6 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (all, random) => {
        const candidates = all.map(({ ms, jobs, kind }) => {
          const health = slow(ms, 0);
          health.jobs = jobs;
          if (kind === 'busy') refused(health, 5_000, 0);
          if (kind === 'open') fail(health, FAILURES, 0);
          return { health, kind };
        });
        const order = orderOf(candidates, 1, () => random);
        expect(new Set(order)).toEqual(new Set(candidates.filter(({ kind }) => kind !== 'open')));
        const kinds = order.map(({ kind }) => kind);
        expect(kinds).toEqual([...kinds].sort().reverse()); // free, then busy
        // The first is the better of two, so it is never the worst of three or more.
        const free = order.filter(({ kind }) => kind === 'free');
        if (free.length > 2) {
          const costs = free.map(({ health }) => costOf(health, 1));
          expect(costs[0]).toBeLessThanOrEqual(costs.toSorted((a, b) => a - b)[free.length - 2]);
        }
      }),
    );
  });

  it('shares work out by how quick services are', () => {
    const candidates = [20, 20, 200].map((ms) => ({ ms, health: slow(ms, 0), times: 0 }));
    const running: { readonly until: number; readonly health: Health }[] = [];
    for (let now = 0; now < 20_000; now += 5) {
      for (const job of running.splice(0)) {
        if (job.until > now) running.push(job);
        else job.health.jobs--;
      }
      const [first] = orderOf(candidates, now);
      first.times++;
      first.health.jobs++;
      answered(first.health, first.ms, now);
      running.push({ until: now + first.ms, health: first.health });
    }
    const [a, b, c] = candidates.map(({ times }) => times);
    expect(Math.max(a, b) / Math.min(a, b)).toBeLessThan(1.5);
    expect(c).toBeLessThan(Math.min(a, b) / 3);
    expect(c).toBeGreaterThan(0);
  });

  it('asks a service again some time that was slow once', () => {
    const [quick, once] = [slow(50, 0), slow(5_000, 0)];
    const firstAt = (now: number) => {
      answered(quick, 50, now);
      return orderOf([{ health: quick }, { health: once }], now)[0].health;
    };
    expect(firstAt(1_000)).toBe(quick);
    expect(firstAt(60_000)).toBe(once);
  });
});

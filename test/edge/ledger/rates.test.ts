import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rates } from '../../../edge/ledger/rates.ts';

describe('a token bucket', () => {
  it('gives what is in it at once, and then as fast as it fills', () => {
    const rates = new Rates();
    const take = (now: number) => rates.take('key', 2, now);
    expect(take(0)).toEqual({ rate: { limit: 2, window: 60, remaining: 1, reset: 30 }, waitMs: 0 });
    expect(take(0)).toEqual({ rate: { limit: 2, window: 60, remaining: 0, reset: 60 }, waitMs: 0 });
    expect(take(1)).toEqual({ rate: { limit: 2, window: 60, remaining: 0, reset: 60 }, waitMs: 29_999 });
    expect(take(29_999).waitMs).toBe(1);
    expect(take(30_000)).toEqual({ rate: { limit: 2, window: 60, remaining: 0, reset: 60 }, waitMs: 0 });
    expect(rates.state('key', 2, 90_000)).toEqual({ limit: 2, window: 60, remaining: 2, reset: 0 });
  });

  it('is one for each key', () => {
    const rates = new Rates();
    expect(rates.take('a', 1, 0).waitMs).toBe(0);
    expect(rates.take('b', 1, 0).waitMs).toBe(0);
    expect(rates.take('a', 1, 0).waitMs).toBe(60_000);
  });

  it('is no emptier than empty when its key is allowed less', () => {
    const rates = new Rates();
    for (let i = 0; i < 100; i++) rates.take('key', 100, 0);
    expect(rates.take('key', 1, 0).waitMs).toBe(60_000);
  });

  it('never lets more pass in a time than a full bucket and what fills it, nor makes anybody wait longer than it says', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), steps, (perMinute, waits) => {
        const rates = new Rates();
        let now = 0;
        let passed = 0;
        for (const wait of waits) {
          now += wait;
          const { waitMs } = rates.take('key', perMinute, now);
          if (waitMs > 0) {
            expect(rates.take('key', perMinute, now + waitMs - 1).waitMs).toBe(1);
            now += waitMs;
            expect(rates.take('key', perMinute, now).waitMs).toBe(0);
          }
          passed++;
          expect(passed * 60_000).toBeLessThanOrEqual(perMinute * (60_000 + now));
        }
      }),
    );
  });
});

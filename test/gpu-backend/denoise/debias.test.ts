/** Laws of the way from what options weigh to how probable they are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { optionProbabilities } from '../../../gpu-backend/denoise/debias.ts';

// Options of a hundred tokens weigh e^-1600: no float holds that.
const log = fc.double({ min: -2_000, max: 0, noNaN: true });
const logs = (length: number) => fc.array(log, { minLength: length, maxLength: length });
const readings = fc.tuple(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 1, max: 4 })).chain(([options, orders]) =>
  fc.array(fc.record({ logs: logs(options), prior: fc.option(logs(options), { nil: undefined }) }), {
    minLength: orders,
    maxLength: orders,
  }),
);
const temperature = fc.double({ min: 0.05, max: 50, noNaN: true });

describe('probabilities of options', () => {
  it('are not negative and sum to 1', () => {
    fc.assert(
      fc.property(readings, temperature, (given, t) => {
        const probabilities = optionProbabilities(given, t);
        for (const p of probabilities) expect(p).toBeGreaterThanOrEqual(0);
        expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
      }),
    );
  });

  it('say nothing where the state says nothing that was not said without it', () => {
    fc.assert(
      fc.property(logs(4), temperature, (given, t) => {
        for (const p of optionProbabilities([{ logs: given, prior: given }], t)) expect(p).toBeCloseTo(0.25, 9);
      }),
    );
  });

  it('keep their order whatever the temperature', () => {
    const given = [{ logs: [-3, -1, -2] }];
    for (const t of [0.1, 1, 10]) {
      const [a, b, c] = optionProbabilities(given, t);
      expect(b > c && c > a).toBe(true);
    }
    expect(optionProbabilities(given, 1)[1]).toBeCloseTo(
      Math.exp(-1) / (Math.exp(-1) + Math.exp(-2) + Math.exp(-3)),
      9,
    );
  });

  it('are the mean over the orders of listing', () => {
    const [first, second] = [{ logs: [Math.log(0.9), Math.log(0.1)] }, { logs: [Math.log(0.5), Math.log(0.5)] }];
    expect(optionProbabilities([first, second], 1)[0]).toBeCloseTo(0.7, 9);
  });
});

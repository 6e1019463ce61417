/** What is written into a manifest rests on these: the quality of probabilities, and the temperature that was fitted to them. */
import { describe, expect, it } from 'vitest';
import { type Forecast, fitTemperature, qualityOf, tempered } from '../../bench/calibration.ts';
import { seeded } from '../../bench/random-requests.ts';

/** Forecasts whose right options are drawn from the very probabilities they state. */
function honest(count: number): Forecast[] {
  const random = seeded(5);
  return Array.from({ length: count }, () => {
    const weights = [random(), random(), random()];
    const sum = weights.reduce((a, b) => a + b);
    const probabilities = weights.map((weight) => weight / sum);
    const drawn = random();
    const right = drawn < probabilities[0] ? 0 : drawn < probabilities[0] + probabilities[1] ? 1 : 2;
    return { probabilities, right };
  });
}

describe('the quality of forecasts', () => {
  it('is by hand what it is here', () => {
    const forecasts = [
      { probabilities: [0.75, 0.25], right: 0 },
      { probabilities: [0.75, 0.25], right: 1 },
    ];
    const { accuracy, nll, brier, ece } = qualityOf(forecasts);
    expect(accuracy).toBe(0.5);
    expect(nll).toBeCloseTo(-(Math.log(0.75) + Math.log(0.25)) / 2, 9);
    expect(brier).toBeCloseTo((2 * 0.25 ** 2 + 2 * 0.75 ** 2) / 2, 9);
    expect(ece).toBeCloseTo(0.25, 9);
  });

  it('has hardly any calibration error where forecasts are honest', () => {
    expect(qualityOf(honest(4_000)).ece).toBeLessThan(0.03);
  });
});

describe('the fitted temperature', () => {
  it('is 1 for honest forecasts, and undoes what made them too sure or too timid', () => {
    const forecasts = honest(4_000);
    expect(fitTemperature([forecasts])).toBeCloseTo(1, 1);
    for (const made of [0.25, 4]) {
      expect(fitTemperature([tempered(forecasts, made)]) * made).toBeCloseTo(1, 1);
    }
  });
});

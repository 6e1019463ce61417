/**
 * How good probabilities are, and the temperature that makes them better.
 */

/** Probabilities of the options of one question, and which option is right. */
export interface Forecast {
  readonly probabilities: readonly number[];
  readonly right: number;
}

export interface Quality {
  readonly accuracy: number;
  /** Mean negative log likelihood of the right option, nats. */
  readonly nll: number;
  /** Mean sum of squared errors over the options (Brier 1950), 0 to 2. */
  readonly brier: number;
  /** Expected calibration error of the most probable option's probability, ten bins of equal width (Guo et al. 2017). */
  readonly ece: number;
}

const BINS = 10;
/** Less is not told from nothing; one certain mistake must not be all there is to a mean. */
const LEAST = 1e-12;

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** The first of the greatest. */
const best = (probabilities: readonly number[]) => probabilities.indexOf(Math.max(...probabilities));

export function qualityOf(forecasts: readonly Forecast[]): Quality {
  const hits = forecasts.map(({ probabilities, right }) => (best(probabilities) === right ? 1 : 0));
  const bins = Array.from({ length: BINS }, () => ({ sure: 0, hit: 0 }));
  forecasts.forEach(({ probabilities }, i) => {
    const sure = Math.max(...probabilities);
    const bin = bins[Math.min(BINS - 1, Math.floor(sure * BINS))];
    bin.sure += sure;
    bin.hit += hits[i];
  });
  return {
    accuracy: mean(hits),
    nll: mean(forecasts.map(({ probabilities, right }) => -Math.log(Math.max(probabilities[right], LEAST)))),
    brier: mean(
      forecasts.map(({ probabilities, right }) =>
        probabilities.reduce((sum, p, i) => sum + (p - (i === right ? 1 : 0)) ** 2, 0),
      ),
    ),
    ece: bins.reduce((sum, { sure, hit }) => sum + Math.abs(sure - hit), 0) / forecasts.length,
  };
}

/** Forecasts with the logarithms of their probabilities divided by a temperature. */
export function tempered(forecasts: readonly Forecast[], temperature: number): Forecast[] {
  return forecasts.map(({ probabilities, right }) => {
    const logs = probabilities.map((p) => Math.log(Math.max(p, Number.MIN_VALUE)) / temperature);
    const top = Math.max(...logs);
    const weights = logs.map((log) => Math.exp(log - top));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { probabilities: weights.map((weight) => weight / sum), right };
  });
}

/**
 * The temperature with the least negative log likelihood, every set of forecasts weighing alike. That is one valley in the logarithm of the
 * temperature, so thirds are halved: golden sections would only save evaluations.
 */
export function fitTemperature(sets: readonly (readonly Forecast[])[]): number {
  const loss = (log: number) => mean(sets.map((set) => qualityOf(tempered(set, Math.exp(log))).nll));
  let [low, high] = [Math.log(0.05), Math.log(100)];
  while (high - low > 1e-3) {
    const third = (high - low) / 3;
    if (loss(low + third) < loss(high - third)) high -= third;
    else low += third;
  }
  return Math.exp((low + high) / 2);
}

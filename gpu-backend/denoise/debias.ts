/**
 * From what the options weigh to how probable they are.
 *
 * - The prior: an option's own wording, length and frequency weigh more than what is known. What it weighs where nothing is known is
 *   divided out: pointwise mutual information of state and option (Holtzman et al. 2021, "Surface Form Competition", arXiv 2104.08315,
 *   section 3), which is contextual calibration with an empty state (Zhao et al. 2021, "Calibrate Before Use", arXiv 2102.09690, section 5).
 * - The order: probabilities are averaged over the orders in which the options were listed (Zheng et al. 2024, "Large Language Models Are
 *   Not Robust Multiple Choice Selectors", arXiv 2309.03882, section 3: cyclic permutations).
 * - Temperature: divides the logarithms of the result (Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599).
 */

import { logAdd } from '../lattice/scaled.ts';

/** Natural logarithms of the weights of all options, not normalised. */
export type Logs = readonly number[];

export interface Weighed {
  readonly logs: Logs;
  /** The same where nothing is known; where it is to be divided out. */
  readonly prior?: Logs;
}

/** Probabilities of the options, which sum to 1; one reading for each order of listing. */
export function optionProbabilities(readings: readonly Weighed[], temperature: number): number[] {
  const each = readings.map(({ logs, prior }) => normalised(logs.map((log, i) => log - (prior?.[i] ?? 0))));
  // What is not divided by their number is the same factor for all options.
  const sums = each[0].map((_, i) => sumOf(each.map((logs) => logs[i])));
  return normalised(sums.map((log) => log / temperature)).map(Math.exp);
}

/** Logarithms of probabilities that sum to 1. */
function normalised(logs: Logs): number[] {
  const sum = sumOf(logs);
  return logs.map((log) => log - sum);
}

/** ln of the sum of what these are the logarithms of. */
const sumOf = (logs: Logs): number => logs.reduce(logAdd, Number.NEGATIVE_INFINITY);

/** What usage is measured in. */
import { dollars, whole } from '../format.ts';
import type { Amounts } from '../wire.ts';

export const MEASURES = ['micro_dollars', 'requests', 'texts', 'work'] as const satisfies readonly (keyof Amounts)[];
export type Measure = (typeof MEASURES)[number];

export const MEASURE_NAMES: Readonly<Record<Measure, string>> = {
  micro_dollars: 'Cost',
  requests: 'Requests',
  texts: 'Texts',
  work: 'Positions × steps',
};

export function shownMeasure(measure: Measure, amount: number): string {
  return measure === 'micro_dollars' ? dollars(amount) : whole(amount);
}

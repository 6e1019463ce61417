/**
 * How spread out the constrained distribution of a position is: its margin or its entropy, over what the constraint leaves.
 *
 * q(v) = p(v) * ways(class of v) / Z is exact for every token at the price of one sum of ways for each class, because all
 * tokens of a class have the same ways on.
 */
import type { Following } from './following.ts';
import { waysThrough } from './marginal.ts';
import { FLOOR } from './masses.ts';
import { meter } from './meter.ts';
import { meterClass, shareOf } from './rows.ts';
import type { Scaled } from './scaled.ts';
import type { PositionWeights } from './score.ts';

/** What was asked for of a position's constrained distribution; `row` is that of the position. */
export function spread(
  work: Following,
  h: number,
  layer: number,
  weight: PositionWeights,
  row: number,
  alpha: Scaled,
): number {
  const { rows, active, draw } = work;
  const { lift } = active.holes[h].graph;
  const { mass } = work.masses(h, active.holes[h].first + layer);
  const result = meter(draw.measure!);
  for (let k = 1; k < lift.classes; k++) {
    if (mass[k] <= FLOOR) continue;
    const ways = waysThrough(work, h, layer, weight, k, alpha);
    if (ways === 0) continue;
    meterClass(rows, row, lift, k, ways, result);
  }
  result.add(shareOf(rows, row, active.eos) * waysThrough(work, h, layer, weight, undefined, alpha));
  return result.value();
}

/** Which inference service is asked first, and which after it: the less loaded of two at random, as the power of two choices has it. */
import { circuitOf, costOf, type Health, isBusy } from './health.ts';

interface Candidate {
  readonly health: Health;
}

/**
 * The candidates in the order they are to be asked, those with an open circuit left out: first the better of two drawn at random, then
 * the others by what they are expected to cost; those that said they are full come last.
 *
 * Two at random, not the best of all: every isolate takes the best for the best at the same moment, and all would go there.
 * @param random uniform in [0, 1)
 */
export function orderOf<One extends Candidate>(all: readonly One[], now: number, random = Math.random): One[] {
  const closed = all.filter(({ health }) => circuitOf(health, now) === 'closed');
  const byCost = (a: One, b: One) => costOf(a.health, now) - costOf(b.health, now);
  const free = closed.filter(({ health }) => !isBusy(health, now)).sort(byCost);
  const busy = closed
    .filter(({ health }) => isBusy(health, now))
    .sort((a, b) => a.health.busyUntil - b.health.busyUntil);
  if (free.length > 2) {
    // Of two different places in the order of cost the first is the better one.
    const one = Math.floor(random() * free.length);
    const other = Math.floor(random() * (free.length - 1));
    const [first] = free.splice(Math.min(one, other < one ? other : other + 1), 1);
    free.unshift(first);
  }
  return [...free, ...busy];
}

/**
 * The order in which what waits is let in: by arrival, with a head start for what is urgent.
 *
 * A job's rank is the time of its arrival plus a handicap by its priority. It never changes, so nobody is overtaken by one that came
 * more than the difference of their handicaps later: a job of low priority by nobody at all who came 20 seconds after it. Whoever is first
 * is waited for: a large job is not overtaken by small ones that would fit.
 */
import type { Priority } from '../../shared/contract/generation.ts';

/** Seconds by which a job counts as having come later than it did. */
export const HANDICAP_S: Readonly<Record<Priority, number>> = { high: 0, normal: 10, low: 20 };

/** Lower goes first; of equal ones the lower number. */
export interface Rank {
  readonly at: number;
  readonly number: number;
}

export interface Queue<T> {
  readonly size: number;
  readonly first: T | undefined;
  add(rank: Rank, value: T): void;
  /** False where it is not there. */
  remove(value: T): boolean;
  /** What goes before a rank, or all, first come first. */
  before(rank?: Rank): T[];
}

/** @param arrival milliseconds of any clock */
export function rankOf(arrival: number, number: number, priority: Priority): Rank {
  return { at: arrival + 1000 * HANDICAP_S[priority], number };
}

const precedes = (a: Rank, b: Rank) => a.at < b.at || (a.at === b.at && a.number < b.number);

export function createQueue<T>(): Queue<T> {
  const entries: { readonly rank: Rank; readonly value: T }[] = [];
  return {
    get size() {
      return entries.length;
    },
    get first() {
      return entries[0]?.value;
    },
    add(rank, value) {
      const at = entries.findIndex((entry) => precedes(rank, entry.rank));
      entries.splice(at < 0 ? entries.length : at, 0, { rank, value });
    },
    remove(value) {
      const at = entries.findIndex((entry) => entry.value === value);
      if (at >= 0) entries.splice(at, 1);
      return at >= 0;
    },
    before: (rank) =>
      entries.filter((entry) => rank === undefined || precedes(entry.rank, rank)).map(({ value }) => value),
  };
}

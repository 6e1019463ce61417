/**
 * Bounds on tokens and lengths as the search sees them: counters of bytes, and what a hole's counters still ask for.
 */
import type { Counter, Machine } from './automaton.ts';
import type { Range } from './units.ts';

/** What bounds on tokens mean for bytes. */
export interface TokenSizes {
  /** Bytes of the longest token: at most this many a token. */
  readonly longest: number;
  /** Bytes that stand for one of the least tokens: 1, or 1/4 where longer characters may stand for the ones chosen. */
  readonly least: number;
}

/** A counter of bytes for bounds on tokens, undefined where there are none. */
export function byteCounter(
  name: string,
  tokens: Range,
  { longest, least }: TokenSizes,
): (Counter & { min: number }) | undefined {
  const saturates = tokens.max === Number.POSITIVE_INFINITY;
  const min = Math.ceil(tokens.min * least);
  if (saturates && min === 0) return undefined;
  return { name, min, max: saturates ? min : tokens.max * longest, saturates };
}

/** Least value of each counter with which any state accepts. */
export function leastAtEnd(machine: Machine): number[] {
  return machine.counters.map((_, counter) => {
    let least = Number.POSITIVE_INFINITY;
    for (let state = 0; state < machine.states; state++) {
      for (const guards of machine.accepting(state)) {
        least = Math.min(least, guards.find((guard) => guard.counter === counter)?.min ?? 0);
      }
    }
    return Number.isFinite(least) ? least : 0;
  });
}

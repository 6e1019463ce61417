/**
 * What a byte string does to the counters of an automaton, as one step: a box of values it may start from, and for each
 * counter either "add d" or "set v". Effects are interned, so that equal behaviour is an equal number.
 */
import type { Arc, Counter } from '../../shared/constraints/automaton.ts';

export interface Effect {
  /** Per counter, the least and greatest value from which this may be taken. */
  readonly min: Int32Array;
  readonly max: Int32Array;
  /** Per counter: 1 when `amount` is set, 0 when it is added. */
  readonly sets: Uint8Array;
  readonly amount: Int32Array;
}

/** Interned effects over fixed counters; effect 0 does nothing. */
export interface EffectTable {
  readonly counters: readonly Counter[];
  get(effect: number): Effect;
  /** The effect of `effect` followed by one arc; -1 when no value can take both. Arcs are numbered by the caller. */
  compose(effect: number, arcNumber: number, arc: Arc): number;
}

export function createEffects(counters: readonly Counter[]): EffectTable {
  const effects: Effect[] = [];
  const byKey = new Map<string, number>();
  const memo: number[][] = [];

  const intern = (effect: Effect): number => {
    const key = `${effect.min}|${effect.max}|${effect.sets}|${effect.amount}`;
    const known = byKey.get(key);
    if (known !== undefined) return known;
    byKey.set(key, effects.length);
    effects.push(effect);
    return effects.length - 1;
  };

  const m = counters.length;
  intern({
    min: new Int32Array(m),
    max: Int32Array.from(counters, (counter) => counter.max),
    sets: new Uint8Array(m),
    amount: new Int32Array(m),
  });

  const follow = (before: Effect, arc: Arc): number => {
    const min = before.min.slice();
    const max = before.max.slice();
    const sets = before.sets.slice();
    const amount = before.amount.slice();
    for (const guard of arc.guards) {
      const j = guard.counter;
      const counter = counters[j];
      if (sets[j]) {
        if (amount[j] < guard.min || amount[j] > guard.max) return -1;
        continue;
      }
      min[j] = Math.max(min[j], guard.min - amount[j]);
      // A saturated counter reads `max` for everything at or above it, so an upper guard at max bounds nothing.
      if (!(counter.saturates && guard.max >= counter.max)) max[j] = Math.min(max[j], guard.max - amount[j]);
      if (min[j] > max[j]) return -1;
    }
    for (const { counter: j, operation, value } of arc.updates) {
      if (operation === 'set') {
        sets[j] = 1;
        amount[j] = value;
        continue;
      }
      const { max: top, saturates } = counters[j];
      amount[j] += value;
      if (saturates) {
        amount[j] = Math.min(amount[j], top);
      } else if (sets[j]) {
        if (amount[j] > top) return -1;
      } else {
        max[j] = Math.min(max[j], top - amount[j]);
        if (min[j] > max[j]) return -1;
      }
    }
    return intern({ min, max, sets, amount });
  };

  return {
    counters,
    get: (effect) => effects[effect],
    compose(effect, arcNumber, arc) {
      if (arc.guards.length === 0 && arc.updates.length === 0) return effect;
      memo[arcNumber] ??= [];
      const row = memo[arcNumber];
      const known = row[effect];
      if (known !== undefined) return known;
      const result = follow(effects[effect], arc);
      row[effect] = result;
      return result;
    },
  };
}

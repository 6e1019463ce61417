/**
 * Two arcs in a row as one.
 */
import { type Arc, both, type Counter, type Guard } from './automaton.ts';

/** What an arc asks of the counters and does to them. */
export type Effect = Pick<Arc, 'guards' | 'updates'>;

/** An arc followed by another, as one; undefined when the guards can never hold together. */
export function follow(counters: readonly Counter[], first: Effect, then: Effect): Effect | undefined {
  let guards: readonly Guard[] | undefined = first.guards;
  for (const guard of then.guards) {
    const before = first.updates.find((u) => u.counter === guard.counter);
    const { max, saturates } = counters[guard.counter];
    if (before === undefined) guards = both(guards, [guard]);
    else if (before.operation === 'set') {
      if (before.value < guard.min || before.value > guard.max) return undefined;
    } else {
      const high = saturates && guard.max >= max ? max : guard.max - before.value;
      if (high < 0) return undefined;
      guards = both(guards, [{ counter: guard.counter, min: Math.max(0, guard.min - before.value), max: high }]);
    }
    if (guards === undefined) return undefined;
  }
  const updates = first.updates.map((u) => ({ ...u }));
  for (const next of then.updates) {
    const at = updates.findIndex((u) => u.counter === next.counter);
    if (at < 0) updates.push({ ...next });
    else if (next.operation === 'set') updates[at] = { ...next };
    else updates[at] = { ...updates[at], value: Math.min(updates[at].value + next.value, counters[next.counter].max) };
  }
  return { guards, updates };
}

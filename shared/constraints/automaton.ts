/**
 * A deterministic byte automaton with counters: what every hard constraint is compiled to.
 *
 * Lengths and counted repetitions are counters, never unrolled: "at most 280 characters" is one state and one counter.
 * A configuration is a state and one value for each counter; for any configuration and byte at most one arc is open.
 */
import { problem } from '../contract/problem.ts';

/** A counter with values 0..max, 0 at the start. */
export interface Counter {
  readonly name: string;
  readonly max: number;
  /** True: `add` stops at max, so that max means "max or more" (a lower bound alone). False: guards keep the value <= max. */
  readonly saturates: boolean;
}

/** Open when `min <= value <= max`, on the value before the updates of the same arc. */
export interface Guard {
  readonly counter: number;
  readonly min: number;
  readonly max: number;
}

export interface Update {
  readonly counter: number;
  readonly operation: 'add' | 'set';
  readonly value: number;
}

export interface Arc {
  readonly to: number;
  readonly guards: readonly Guard[];
  readonly updates: readonly Update[];
}

/** A disjunction of conjunctions of guards: `[]` is never, `[[]]` is always. */
export type Acceptance = readonly (readonly Guard[])[];

/** States, classes of symbols and arcs, whatever a symbol is. */
export interface Machine {
  readonly states: number;
  readonly start: number;
  readonly classes: number;
  readonly counters: readonly Counter[];
  /** At most one of these has all its guards open, for any counter values. */
  arcs(state: number, symbolClass: number): readonly Arc[];
  accepting(state: number): Acceptance;
}

/** A machine over bytes. It accepts well-formed UTF-8 only. */
export interface ByteAutomaton extends Machine {
  /** 256 entries: the class of each byte. */
  readonly byteClass: Uint8Array;
}

export const NEVER: Acceptance = [];
export const ALWAYS: Acceptance = [[]];
export const NO_ARCS: readonly Arc[] = [];

/** Most states of one automaton, and of a product of two. */
export const STATE_LIMIT = 20_000;

/** True when all guards are open for these counter values. */
export function open(guards: readonly Guard[], values: ArrayLike<number>): boolean {
  for (const guard of guards) {
    const value = values[guard.counter];
    if (value < guard.min || value > guard.max) return false;
  }
  return true;
}

/** True when a configuration is accepting. */
export function accepts(acceptance: Acceptance, values: ArrayLike<number>): boolean {
  return acceptance.some((guards) => open(guards, values));
}

/** Applies the updates of an arc to counter values, in place. */
export function update(counters: readonly Counter[], updates: readonly Update[], values: Int32Array): void {
  for (const { counter, operation, value } of updates) {
    const next = operation === 'set' ? value : values[counter] + value;
    values[counter] = Math.min(next, counters[counter].max);
  }
}

/** Runs an automaton over bytes: the reference interpreter. */
export function run(automaton: ByteAutomaton, bytes: Uint8Array): boolean {
  const values = new Int32Array(automaton.counters.length);
  let state = automaton.start;
  for (const byte of bytes) {
    const arc = automaton.arcs(state, automaton.byteClass[byte]).find((candidate) => open(candidate.guards, values));
    if (arc === undefined) return false;
    update(automaton.counters, arc.updates, values);
    state = arc.to;
  }
  return accepts(automaton.accepting(state), values);
}

/** Both conditions at once; undefined when they can never hold together. */
export function both(a: readonly Guard[], b: readonly Guard[]): readonly Guard[] | undefined {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const merged = [...a];
  for (const guard of b) {
    const at = merged.findIndex((other) => other.counter === guard.counter);
    if (at < 0) {
      merged.push(guard);
      continue;
    }
    const min = Math.max(merged[at].min, guard.min);
    const max = Math.min(merged[at].max, guard.max);
    if (min > max) return undefined;
    merged[at] = { counter: guard.counter, min, max };
  }
  return merged;
}

function shiftGuards(guards: readonly Guard[], by: number): readonly Guard[] {
  return by === 0 || guards.length === 0 ? guards : guards.map((guard) => ({ ...guard, counter: guard.counter + by }));
}

function shiftUpdates(updates: readonly Update[], by: number): readonly Update[] {
  return by === 0 || updates.length === 0 ? updates : updates.map((u) => ({ ...u, counter: u.counter + by }));
}

/** Tables of a machine: arcs by state x class, acceptance by state. */
export interface MachineTable {
  readonly start: number;
  readonly classes: number;
  readonly counters: readonly Counter[];
  /** states x classes, row by row. */
  readonly arcs: readonly (readonly Arc[])[];
  readonly accepting: readonly Acceptance[];
}

/** A machine that reads from tables. */
export function fromTable(table: MachineTable): Machine {
  const { arcs, accepting, classes } = table;
  return {
    states: accepting.length,
    start: table.start,
    classes,
    counters: table.counters,
    arcs: (state, symbolClass) => arcs[state * classes + symbolClass],
    accepting: (state) => accepting[state],
  };
}

/** The product of two machines over joint classes; only states that can be reached and can still accept are kept. */
export function product(a: Machine, b: Machine, joint: readonly (readonly [number, number])[]): Machine {
  const shift = a.counters.length;
  const counters = [...a.counters, ...b.counters];
  const index = new Map<number, number>([[a.start * b.states + b.start, 0]]);
  const pairs: [number, number][] = [[a.start, b.start]];
  const arcs: (readonly Arc[])[] = [];
  const accepting: Acceptance[] = [];
  const stateOf = (p: number, q: number): number => {
    const key = p * b.states + q;
    let state = index.get(key);
    if (state === undefined) {
      state = pairs.length;
      if (state >= STATE_LIMIT) {
        throw problem('limit_exceeded', `The constraints together need more than ${STATE_LIMIT} states.`);
      }
      index.set(key, state);
      pairs.push([p, q]);
    }
    return state;
  };
  for (let state = 0; state < pairs.length; state++) {
    const [p, q] = pairs[state];
    for (const [classA, classB] of joint) {
      const left = a.arcs(p, classA);
      const right = left.length === 0 ? NO_ARCS : b.arcs(q, classB);
      if (right.length === 0) {
        arcs.push(NO_ARCS);
        continue;
      }
      const row: Arc[] = [];
      for (const x of left) {
        for (const y of right) {
          const guards = both(x.guards, shiftGuards(y.guards, shift));
          if (guards === undefined) continue;
          row.push({ to: stateOf(x.to, y.to), guards, updates: x.updates.concat(shiftUpdates(y.updates, shift)) });
        }
      }
      arcs.push(row);
    }
    accepting.push(
      a.accepting(p).flatMap((left) =>
        b.accepting(q).flatMap((right) => {
          const guards = both(left, shiftGuards(right, shift));
          return guards === undefined ? [] : [guards];
        }),
      ),
    );
  }
  return trim({ start: 0, classes: joint.length, counters, arcs, accepting });
}

/** Drops states that cannot be reached or can never accept, whatever the counters say. State order is kept. */
export function trim(table: MachineTable): Machine {
  const { arcs, accepting, classes } = table;
  const states = accepting.length;
  const before: number[][] = Array.from({ length: states }, () => []);
  const reached = new Uint8Array(states);
  const queue = [table.start];
  reached[table.start] = 1;
  for (let i = 0; i < queue.length; i++) {
    const state = queue[i];
    for (let c = 0; c < classes; c++) {
      for (const arc of arcs[state * classes + c]) {
        before[arc.to].push(state);
        if (reached[arc.to] === 0) {
          reached[arc.to] = 1;
          queue.push(arc.to);
        }
      }
    }
  }
  const live = new Uint8Array(states);
  const back = queue.filter((state) => accepting[state].length > 0);
  for (const state of back) live[state] = 1;
  for (let i = 0; i < back.length; i++) {
    for (const from of before[back[i]]) {
      if (live[from] === 0) {
        live[from] = 1;
        back.push(from);
      }
    }
  }
  live[table.start] = 1;
  const renamed = new Int32Array(states).fill(-1);
  let kept = 0;
  for (let state = 0; state < states; state++) if (live[state] === 1) renamed[state] = kept++;
  if (kept === states) return fromTable(table);
  const keptArcs: (readonly Arc[])[] = [];
  const keptAccepting: Acceptance[] = [];
  for (let state = 0; state < states; state++) {
    if (live[state] === 0) continue;
    for (let c = 0; c < classes; c++) {
      const row = arcs[state * classes + c];
      const rest = row.filter((arc) => renamed[arc.to] >= 0);
      keptArcs.push(rest.map((arc) => (arc.to === renamed[arc.to] ? arc : { ...arc, to: renamed[arc.to] })));
    }
    keptAccepting.push(accepting[state]);
  }
  return fromTable({ ...table, start: renamed[table.start], arcs: keptArcs, accepting: keptAccepting });
}

/** The automaton of the texts both accept; a's counters come first. Throws limit_exceeded over STATE_LIMIT states. */
export function intersect(a: ByteAutomaton, b: ByteAutomaton): ByteAutomaton {
  const joint: [number, number][] = [];
  const known = new Map<number, number>();
  const byteClass = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const key = a.byteClass[byte] * 256 + b.byteClass[byte];
    let id = known.get(key);
    if (id === undefined) {
      id = joint.length;
      known.set(key, id);
      joint.push([a.byteClass[byte], b.byteClass[byte]]);
    }
    byteClass[byte] = id;
  }
  return { ...product(a, b, joint), byteClass };
}

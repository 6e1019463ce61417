/**
 * A nondeterministic automaton of JSON texts under construction, over characters.
 *
 * Its counters are functions of the text alone: commas so far in the container at a depth, characters so far in the
 * string that is open. JSON says unambiguously where a text stands, so all threads that need a counter agree on its
 * value, and the subset construction never has to keep two.
 */
import type { Counter, Guard, Update } from '../automaton.ts';
import type { CodePointSet } from '../code-points.ts';
import { type Context, spend } from './context.ts';

export interface Read {
  readonly set: number;
  readonly to: number;
  readonly guards: readonly Guard[];
  readonly updates: readonly Update[];
}

export interface Graph {
  /** Reads and forks of each node, undefined for none. */
  readonly reads: readonly (readonly Read[] | undefined)[];
  readonly forks: readonly (readonly number[] | undefined)[];
  /** Counters that threads waiting at a node rely on. */
  readonly live: readonly (readonly number[])[];
  readonly sets: readonly CodePointSet[];
  readonly counters: readonly Counter[];
  /** The text may end here. */
  readonly final: number;
}

/** What a read asks of and does to the counters. */
export interface Effect {
  readonly guards?: readonly Guard[];
  readonly updates?: readonly Update[];
}

/** A way into what begins at a node. */
export interface FirstRead extends Omit<Read, 'set'> {
  readonly set: CodePointSet;
}

export interface Builder {
  readonly context: Context;
  readonly final: number;
  /** A new node; threads in it rely on the counters of `within`. */
  node(): number;
  read(from: number, set: CodePointSet, to: number, effect?: Effect): void;
  /** From `from` also as from `to`, without reading. */
  fork(from: number, to: number): void;
  /** All reads from a node, as it is so far. */
  firstReads(node: number): readonly FirstRead[];
  /** The counter of a name, made when first asked for; it reaches at least `max`, and stays there where it saturates. */
  counter(name: string, max: number, saturates: boolean): number;
  /** Builds nodes that rely on counters. */
  within<T>(counters: readonly number[], build: () => T): T;
  finish(): Graph;
}

/** Most nodes of one graph. */
const NODE_LIMIT = 25_000;

/** The most a guard lets through where only the least is stated. */
export const OPEN_END = Number.MAX_SAFE_INTEGER;

const NO_GUARDS: readonly Guard[] = [];
const NO_UPDATES: readonly Update[] = [];
const NO_EFFECT: Effect = {};

export function createBuilder(context: Context): Builder {
  const reads: (Read[] | undefined)[] = [];
  const forks: (number[] | undefined)[] = [];
  const live: (readonly number[])[] = [];
  const sets: CodePointSet[] = [];
  const setIds = new Map<string, number>();
  const setCache = new Map<CodePointSet, number>();
  const counters: { name: string; max: number; saturates: boolean }[] = [];
  let around: readonly number[] = [];
  const node = (): number => {
    spend(context, reads.length < NODE_LIMIT ? 1 : Number.POSITIVE_INFINITY);
    reads.push(undefined);
    forks.push(undefined);
    live.push(around);
    return reads.length - 1;
  };
  const idOfSet = (set: CodePointSet): number => {
    let id = setCache.get(set);
    if (id === undefined) {
      const key = set.join();
      id = setIds.get(key);
      if (id === undefined) {
        id = sets.length;
        setIds.set(key, id);
        sets.push(set);
      }
      setCache.set(set, id);
    }
    return id;
  };
  const final = node();
  return {
    context,
    final,
    node,
    read(from, set, to, effect) {
      if (set.length === 0) return;
      spend(context, 1);
      const { guards = NO_GUARDS, updates = NO_UPDATES } = effect ?? NO_EFFECT;
      const read = { set: idOfSet(set), to, guards, updates };
      const row = reads[from];
      if (row === undefined) reads[from] = [read];
      else row.push(read);
    },
    fork(from, to) {
      const row = forks[from];
      if (row === undefined) forks[from] = [to];
      else row.push(to);
    },
    firstReads(from) {
      const seen = new Set([from]);
      const found: FirstRead[] = [];
      for (const at of seen) {
        for (const to of forks[at] ?? []) seen.add(to);
        for (const read of reads[at] ?? []) found.push({ ...read, set: sets[read.set] });
      }
      return found;
    },
    counter(name, max, saturates) {
      let id = counters.findIndex((counter) => counter.name === name);
      if (id < 0) {
        id = counters.length;
        counters.push({ name, max: 0, saturates: false });
      }
      counters[id].max = Math.max(counters[id].max, max);
      counters[id].saturates ||= saturates;
      return id;
    },
    within(inside, build) {
      const outside = around;
      if (inside.length > 0) around = [...outside, ...inside.filter((counter) => !outside.includes(counter))];
      try {
        return build();
      } finally {
        around = outside;
      }
    },
    finish() {
      const clamp = (guard: Guard): Guard => ({ ...guard, max: Math.min(guard.max, counters[guard.counter].max) });
      for (const row of reads) {
        row?.forEach((read, i) => {
          if (read.guards.length > 0) row[i] = { ...read, guards: read.guards.map(clamp) };
        });
      }
      return { reads, forks, live, sets, counters, final };
    },
  };
}

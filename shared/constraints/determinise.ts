/**
 * Nondeterministic -> deterministic automaton, by subsets of positions, with loops on counters.
 *
 * A subset carries ONE value for each loop, so all threads inside a loop must be in the same round. Where two threads
 * could be in different rounds (`(a|ab){9}b*`), the loop is written out instead and the construction starts again.
 */

import { problem } from '../contract/problem.ts';
import { type Acceptance, type Arc, both, type Guard, NO_ARCS, trim, type Update } from './automaton.ts';
import { type Closure, closure, type Thread, type Work } from './closure.ts';
import { ANY, partition } from './code-points.ts';
import { minimise } from './minimise.ts';
import { buildNfa, type Nfa } from './nfa.ts';
import { one, type Pattern, repeat, sequence } from './pattern.ts';
import { overCodePoints, type TextMachine } from './utf8.ts';

/** Most states of one pattern's machine. */
export const PATTERN_STATE_LIMIT = 4_000;
/** Most threads looked at while making one machine: bounds the time of patterns that are built to explode to ~15 ms. */
export const WORK_LIMIT = 20_000;

/** Most counters of one pattern; the shortest repetitions beyond are written out. */
const LOOP_LIMIT = 6;

/** The node of the loop behind a searched pattern: the builder goes from the end, so it is made right after the final node. */
const FOUND = 1;

export interface PatternOptions {
  /** The pattern may stand anywhere in the text (edges are then of the text). */
  readonly search?: boolean;
  /** Work that several patterns share; WORK_LIMIT for each alone by default. */
  readonly work?: Work;
}

/** The machine of a pattern. */
export function compilePattern(pattern: Pattern, pointer: string, options: PatternOptions = {}): TextMachine {
  const around = repeat(one(ANY), 0, Number.POSITIVE_INFINITY);
  const whole = options.search ? sequence(around, pattern, around) : pattern;
  const unrolled = new Set<Pattern>();
  const work = options.work ?? { left: WORK_LIMIT };
  try {
    for (;;) {
      const nfa = buildNfa(whole, unrolled, pointer);
      work.left -= nfa.nodes.length;
      if (nfa.loops.length > LOOP_LIMIT) {
        const shortest = nfa.loops.toSorted((a, b) => a.counter.max - b.counter.max);
        for (const { pattern: loop } of shortest.slice(0, -LOOP_LIMIT)) unrolled.add(loop);
        continue;
      }
      const made = subsets(nfa, work, pointer, options.search === true);
      if (typeof made !== 'number') return made;
      unrolled.add(nfa.loops[made].pattern);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw problem('limit_exceeded', `The pattern at ${pointer || 'the root'} is nested too deeply.`, { pointer });
  }
}

/** Times the known rounds of a subset may grow one by one before they are taken to be any. */
const GROWTH = 3;

/** The rounds each loop can be in, [low, high] for each loop; 0 outside. Wider than the truth at most. */
type Rounds = Int32Array;

/** A subset of nodes with what is known of the rounds of its loops. */
interface Subset {
  readonly nodes: readonly number[];
  readonly active: readonly number[];
  readonly initial: boolean;
  readonly rounds: Rounds;
  grown: number;
  closure?: Closure;
  row?: readonly (readonly Arc[])[];
}

/** The subset construction; returns the number of a loop whose rounds cannot share one counter. */
function subsets(nfa: Nfa, work: Work, pointer: string, search: boolean): TextMachine | number {
  const { partition: classes, members } = partition(nfa.sets);
  const ids = new Map<string, number>();
  const all: Subset[] = [];
  const pending: number[] = [];
  const activeOf = (nodes: readonly number[]) => {
    const active = new Set<number>();
    for (const node of nodes) for (const loop of nfa.inside[node]) active.add(loop);
    return [...active];
  };
  const add = (nodes: readonly number[], rounds: Rounds, initial: boolean): number => {
    all.push({ nodes, active: activeOf(nodes), initial, rounds, grown: 0 });
    pending.push(all.length - 1);
    return all.length - 1;
  };
  const arrive: Arrive = (nodes, rounds) => {
    const key = nodes.join();
    const id = ids.get(key);
    if (id === undefined) {
      ids.set(key, all.length);
      return add(nodes, rounds, false);
    }
    const subset = all[id];
    let grew = false;
    for (const loop of subset.active) {
      const [low, high] = [subset.rounds[2 * loop], subset.rounds[2 * loop + 1]];
      if (rounds[2 * loop] >= low && rounds[2 * loop + 1] <= high) continue;
      grew = true;
      const widen = subset.grown >= GROWTH;
      if (rounds[2 * loop] < low) subset.rounds[2 * loop] = widen ? 1 : rounds[2 * loop];
      if (rounds[2 * loop + 1] > high) {
        subset.rounds[2 * loop + 1] = widen ? nfa.loops[loop].counter.max : rounds[2 * loop + 1];
      }
    }
    if (grew) {
      subset.grown++;
      if (subset.row !== undefined) {
        subset.row = undefined;
        pending.push(id);
      }
    }
    return id;
  };
  const budget = () => {
    if (work.left >= 0 && all.length <= PATTERN_STATE_LIMIT) return;
    throw problem(
      'limit_exceeded',
      `The pattern at ${pointer || 'the root'} needs more than ${PATTERN_STATE_LIMIT} states or too much work to compile; make its alternatives and repetitions simpler.`,
      { pointer },
    );
  };
  const threadList: Thread[] = [];
  const threadIds = new Map<Thread, number>();
  const threadId = (thread: Thread): number => {
    let id = threadIds.get(thread);
    if (id === undefined) {
      id = threadList.length;
      threadIds.set(thread, id);
      threadList.push(thread);
    }
    return id;
  };
  const idleRows = new Map<string, readonly Arc[]>();
  const closures: (Closure | undefined)[] = [];
  /** The closure of a subset: that of its nodes, each made once. */
  const closureOf = ({ nodes, initial }: Subset): Closure => {
    if (initial) return closure(nfa, nodes, true, work);
    const reads: Thread[] = [];
    const acceptance: (readonly Guard[])[] = [];
    const plain = new Set<number>();
    for (const node of nodes) {
      const single = closures[node] ?? closure(nfa, [node], false, work);
      closures[node] = single;
      work.left -= single.reads.length >> 2;
      for (const thread of single.reads) {
        if (thread.guards.length === 0 && thread.steps.size === 0) {
          if (plain.has(thread.node)) continue;
          plain.add(thread.node);
        }
        reads.push(thread);
      }
      acceptance.push(...single.acceptance);
    }
    return { reads, acceptance };
  };
  // The start is no ordinary subset, even where it is come back to: only here nothing has been read.
  add([nfa.start], new Int32Array(2 * nfa.loops.length), true);
  for (let next = 0; next < pending.length; next++) {
    const subset = all[pending[next]];
    if (subset.row !== undefined) continue;
    subset.closure ??= closureOf(subset);
    budget();
    const { reads } = subset.closure;
    const byClass: number[][] = Array.from({ length: classes.classes }, () => []);
    for (const thread of reads) {
      const node = nfa.nodes[thread.node];
      if (node.kind !== 'read') continue;
      work.left -= members[node.set].length;
      for (const c of members[node.set]) byClass[c].push(threadId(thread));
    }
    work.left -= classes.classes >> 3;
    // Where no loop is running, the same threads lead to the same places from any subset.
    const memo = subset.active.length === 0 ? idleRows : new Map<string, readonly Arc[]>();
    const row: (readonly Arc[])[] = [];
    // Set first: an arc back to this subset may widen its rounds and ask for it again.
    subset.row = row;
    for (const threads of byClass) {
      const key = threads.join();
      let arcs = threads.length === 0 ? NO_ARCS : memo.get(key);
      if (arcs === undefined) {
        const made = arcsOf(
          nfa,
          threads.map((id) => threadList[id]),
          subset,
          search,
          arrive,
          work,
        );
        if (typeof made === 'number') return made;
        arcs = made;
        memo.set(key, arcs);
        budget();
      }
      row.push(arcs);
    }
    budget();
  }
  const counters = nfa.loops.map((loop) => loop.counter);
  const accepting = all.map(({ closure: ways }): Acceptance => {
    const acceptance = ways?.acceptance ?? [];
    return acceptance.some((guards) => guards.length === 0) ? [[]] : acceptance;
  });
  const arcs = all.flatMap((subset) => subset.row ?? []);
  const table = { start: 0, classes: classes.classes, counters, arcs, accepting };
  return overCodePoints(minimise(trim(table)), classes);
}

type Arrive = (nodes: readonly number[], rounds: Rounds) => number;

/** The arcs of one subset on one class: one for each region of the counter values its guards tell apart. */
function arcsOf(
  nfa: Nfa,
  threads: readonly Thread[],
  { active, rounds }: Subset,
  search: boolean,
  arrive: Arrive,
  work: Work,
): readonly Arc[] | number {
  const cuts = new Map<number, Set<number>>();
  for (const { guards } of threads) {
    for (const { counter, min, max } of guards) {
      let set = cuts.get(counter);
      if (set === undefined) {
        set = new Set([1]);
        cuts.set(counter, set);
      }
      set.add(min);
      set.add(max + 1);
    }
  }
  let regions: Guard[][] = [[]];
  for (const [counter, set] of cuts) {
    const { max } = nfa.loops[counter].counter;
    const starts = [...set].filter((v) => v >= 1 && v <= max).sort((a, b) => a - b);
    const intervals = starts
      .map((min, i) => ({ counter, min, max: i + 1 < starts.length ? starts[i + 1] - 1 : max }))
      .filter((interval) => interval.min <= rounds[2 * counter + 1] && interval.max >= rounds[2 * counter]);
    work.left -= regions.length * intervals.length;
    if (work.left < 0) return NO_ARCS;
    regions = regions.flatMap((region) => intervals.map((interval) => [...region, interval]));
  }
  const row: Arc[] = [];
  for (const region of regions) {
    const targets = new Set<number>();
    const actions = new Map<number, 'enter' | 'again' | 'keep'>();
    for (const thread of threads) {
      work.left--;
      if (both(thread.guards, region) === undefined) continue;
      const node = nfa.nodes[thread.node];
      if (node.kind !== 'read') continue;
      targets.add(node.next);
      if (search && node.next === FOUND) break;
      for (const loop of nfa.inside[node.next]) {
        const action = thread.steps.get(loop) ?? 'keep';
        const known = actions.get(loop);
        if (known !== undefined && known !== action) return loop;
        actions.set(loop, action);
      }
    }
    if (targets.size === 0) continue;
    if (search && targets.has(FOUND)) {
      // What was found stays found: nothing else need be followed.
      targets.clear();
      actions.clear();
      targets.add(FOUND);
    }
    work.left -= targets.size * 2;
    const updates: Update[] = [];
    for (const [loop, action] of actions) {
      if (action === 'enter') updates.push({ counter: loop, operation: 'set', value: 1 });
      else if (action === 'again') updates.push({ counter: loop, operation: 'add', value: 1 });
    }
    const after = new Int32Array(rounds.length);
    for (const [loop, action] of actions) {
      const { max } = nfa.loops[loop].counter;
      const within = region.find((guard) => guard.counter === loop);
      const low = Math.max(rounds[2 * loop], within?.min ?? 1);
      const high = Math.min(rounds[2 * loop + 1], within?.max ?? max);
      const step = action === 'again' ? 1 : 0;
      after[2 * loop] = action === 'enter' ? 1 : Math.min(low + step, max);
      after[2 * loop + 1] = action === 'enter' ? 1 : Math.min(high + step, max);
    }
    for (const loop of active) {
      if (!actions.has(loop)) updates.push({ counter: loop, operation: 'set', value: 0 });
    }
    updates.sort((a, b) => a.counter - b.counter);
    row.push({
      to: arrive(
        [...targets].sort((a, b) => a - b),
        after,
      ),
      guards: region,
      updates,
    });
  }
  return row;
}

/**
 * Nondeterministic -> deterministic automaton, by subsets of positions, with loops on counters.
 *
 * A subset carries ONE value for each loop, so all threads inside a loop must be in the same round. Where two threads
 * could be in different rounds (`(a|ab){9}b*`), the loop is written out instead and the construction starts again.
 */

import { problem } from '../contract/problem.ts';
import { type Acceptance, type Arc, both, type Guard, NO_ARCS, trim, type Update } from './automaton.ts';
import { ANY, partition } from './code-points.ts';
import { minimise } from './minimise.ts';
import { buildNfa, type Nfa } from './nfa.ts';
import { one, type Pattern, repeat, sequence } from './pattern.ts';
import { overCodePoints, type TextMachine } from './utf8.ts';

/** Most states of one pattern's machine. */
export const PATTERN_STATE_LIMIT = 4_000;
/** Most threads looked at while making one machine: bounds the time of patterns that are built to explode to ~30 ms. */
export const WORK_LIMIT = 200_000;

/** A way on from a subset: open under guards, with what it does to each loop it runs in. */
interface Thread {
  readonly guards: readonly Guard[];
  /** Loops entered (value 1) or gone round (add 1) on the way; a loop that is not named keeps its round. */
  readonly steps: ReadonlyMap<number, 'enter' | 'again'>;
  readonly node: number;
}

interface Closure {
  readonly reads: Thread[];
  readonly acceptance: (readonly Guard[])[];
}

/** The node of the loop behind a searched pattern: the builder goes from the end, so it is made right after the final node. */
const FOUND = 1;

interface Work {
  left: number;
}

/** The machine of a pattern. `search`: the pattern may stand anywhere in the text (edges are then of the text). */
export function compilePattern(pattern: Pattern, pointer: string, options: { search?: boolean } = {}): TextMachine {
  const around = repeat(one(ANY), 0, Number.POSITIVE_INFINITY);
  const whole = options.search ? sequence(around, pattern, around) : pattern;
  const unrolled = new Set<Pattern>();
  const work: Work = { left: WORK_LIMIT };
  try {
    for (;;) {
      const nfa = buildNfa(whole, unrolled, pointer);
      work.left -= nfa.nodes.length;
      const made = subsets(nfa, work, pointer, options.search === true);
      if (typeof made !== 'number') return made;
      unrolled.add(nfa.loops[made].pattern);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw problem('limit_exceeded', `The pattern at ${pointer || 'the root'} is nested too deeply.`, { pointer });
  }
}

function closure(nfa: Nfa, from: readonly number[], initial: boolean, work: Work): Closure {
  const reads: Thread[] = [];
  const acceptance: (readonly Guard[])[] = [];
  const plainSeen = new Set<number>();
  const seen = new Set<string>();
  const visit = (at: number, guards: readonly Guard[], steps: Thread['steps'], ended: boolean): void => {
    work.left--;
    if (guards.length === 0 && steps.size === 0) {
      const key = ended ? ~at : at;
      if (plainSeen.has(key)) return;
      plainSeen.add(key);
    } else {
      const key = `${at}${ended}${guards.map((g) => `${g.counter}:${g.min}-${g.max}`)}|${[...steps]}`;
      if (seen.has(key)) return;
      seen.add(key);
    }
    const node = nfa.nodes[at];
    switch (node.kind) {
      case 'final':
        acceptance.push(guards);
        return;
      case 'read':
        if (!ended) reads.push({ guards, steps, node: at });
        return;
      case 'fork':
        for (const to of node.to) visit(to, guards, steps, ended);
        return;
      case 'edge':
        if (node.at === 'end') visit(node.next, guards, steps, true);
        else if (initial) visit(node.next, guards, steps, ended);
        return;
      case 'count': {
        const { loop } = node;
        const { min, max, counter } = nfa.loops[loop];
        const next = new Map(steps);
        if (node.step === 'enter') {
          next.set(loop, 'enter');
          visit(node.next, guards, next, ended);
          return;
        }
        const needed: Guard[] =
          node.step === 'again'
            ? counter.saturates
              ? []
              : [{ counter: loop, min: 1, max: max - 1 }]
            : [{ counter: loop, min: Math.max(1, min), max: counter.max }];
        const merged = both(guards, needed);
        if (merged === undefined) return;
        if (node.step === 'again') next.set(loop, 'again');
        else next.delete(loop);
        visit(node.next, merged, next, ended);
      }
    }
  };
  for (const node of from) visit(node, [], new Map(), false);
  return { reads, acceptance };
}

/** The subset construction; returns the number of a loop whose rounds cannot share one counter. */
function subsets(nfa: Nfa, work: Work, pointer: string, search: boolean): TextMachine | number {
  const { partition: classes, members } = partition(nfa.sets);
  const ids = new Map<string, number>();
  const pending: (readonly number[])[] = [];
  const idOf = (nodes: readonly number[]): number => {
    const key = nodes.join();
    let id = ids.get(key);
    if (id === undefined) {
      id = pending.length;
      ids.set(key, id);
      pending.push(nodes);
    }
    return id;
  };
  idOf([nfa.start]);
  // The start may be re-entered as an ordinary subset; it is not "before the first character" then.
  ids.clear();
  const arcs: (readonly Arc[])[] = [];
  const accepting: Acceptance[] = [];
  const budget = () => {
    if (work.left >= 0 && pending.length <= PATTERN_STATE_LIMIT) return;
    throw problem(
      'limit_exceeded',
      `The pattern at ${pointer || 'the root'} needs more than ${PATTERN_STATE_LIMIT} states or too much work to compile; make its alternatives and repetitions simpler.`,
      { pointer },
    );
  };
  for (let state = 0; state < pending.length; state++) {
    const from = pending[state];
    const { reads, acceptance } = closure(nfa, from, state === 0, work);
    const active = new Set<number>();
    for (const node of from) for (const loop of nfa.inside[node]) active.add(loop);
    const byClass: Thread[][] = Array.from({ length: classes.classes }, () => []);
    for (const thread of reads) {
      const node = nfa.nodes[thread.node];
      if (node.kind !== 'read') continue;
      work.left -= members[node.set].length;
      for (const c of members[node.set]) byClass[c].push(thread);
    }
    work.left -= classes.classes >> 3;
    const memo = new Map<string, readonly Arc[]>();
    for (const threads of byClass) {
      if (threads.length === 0) {
        arcs.push(NO_ARCS);
        continue;
      }
      const key = threads.map((t) => reads.indexOf(t)).join();
      let row = memo.get(key);
      if (row === undefined) {
        const made = arcsOf(nfa, threads, active, search, idOf, work);
        if (typeof made === 'number') return made;
        row = made;
        memo.set(key, row);
        budget();
      }
      arcs.push(row);
    }
    accepting.push(acceptance.some((guards) => guards.length === 0) ? [[]] : acceptance);
    budget();
  }
  const counters = nfa.loops.map((loop) => loop.counter);
  const table = { start: 0, classes: classes.classes, counters, arcs, accepting };
  return overCodePoints(minimise(trim(table)), classes);
}

/** The arcs of one subset on one class: one for each region of the counter values its guards tell apart. */
function arcsOf(
  nfa: Nfa,
  threads: readonly Thread[],
  active: ReadonlySet<number>,
  search: boolean,
  idOf: (nodes: readonly number[]) => number,
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
    const starts = [...set].filter((v) => v >= 1 && v <= nfa.loops[counter].counter.max).sort((a, b) => a - b);
    const intervals = starts.map((min, i) => ({
      counter,
      min,
      max: i + 1 < starts.length ? starts[i + 1] - 1 : nfa.loops[counter].counter.max,
    }));
    regions = regions.flatMap((region) => intervals.map((interval) => [...region, interval]));
    work.left -= regions.length;
    if (work.left < 0) return NO_ARCS;
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
    for (const loop of active) {
      if (!actions.has(loop)) updates.push({ counter: loop, operation: 'set', value: 0 });
    }
    updates.sort((a, b) => a.counter - b.counter);
    row.push({ to: idOf([...targets].sort((a, b) => a - b)), guards: region, updates });
  }
  return row;
}

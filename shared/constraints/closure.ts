/**
 * Where a set of positions of a nondeterministic automaton can go without reading, and under which counter values.
 */
import { both, type Guard } from './automaton.ts';
import type { Nfa } from './nfa.ts';

/** A way on from a subset: open under guards, with what it does to each loop it runs in. */
export interface Thread {
  readonly guards: readonly Guard[];
  /** Loops entered (value 1) or gone round (add 1) on the way; a loop that is not named keeps its round. */
  readonly steps: ReadonlyMap<number, 'enter' | 'again'>;
  readonly node: number;
}

export interface Closure {
  readonly reads: Thread[];
  readonly acceptance: (readonly Guard[])[];
}

/** What is left of the work one pattern may cost. */
export interface Work {
  left: number;
}

/** The ways on from a set of nodes. `initial`: nothing has been read yet, so the start of the text is here. */
export function closure(nfa: Nfa, from: readonly number[], initial: boolean, work: Work): Closure {
  const reads: Thread[] = [];
  const acceptance: (readonly Guard[])[] = [];
  const plainSeen = new Set<number>();
  const seen = new Set<string>();
  const visit = (at: number, guards: readonly Guard[], steps: Thread['steps'], ended: boolean): void => {
    // Ways multiply with counters; the caller gives up when the work is spent.
    if (--work.left < 0) return;
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

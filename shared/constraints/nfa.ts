/**
 * Pattern -> nondeterministic automaton with counted loops (Thompson's construction, one counter for each counted loop).
 */

import { problem } from '../contract/problem.ts';
import type { Counter } from './automaton.ts';
import type { CodePointSet } from './code-points.ts';
import { nullability, type Pattern } from './pattern.ts';

export type NfaNode =
  | { readonly kind: 'read'; readonly set: number; readonly next: number }
  | { readonly kind: 'fork'; readonly to: readonly number[] }
  | { readonly kind: 'edge'; readonly at: 'start' | 'end'; readonly next: number }
  /** enter: this is the first round. again: one round more. leave: enough rounds. */
  | { readonly kind: 'count'; readonly loop: number; readonly step: 'enter' | 'again' | 'leave'; readonly next: number }
  | { readonly kind: 'final' };

/** A repetition that runs on a counter: the counter is the number of the round, 0 outside. */
export interface Loop {
  readonly pattern: Pattern;
  readonly min: number;
  readonly max: number;
  readonly counter: Counter;
}

export interface Nfa {
  readonly nodes: readonly NfaNode[];
  /** Loops around each node, as the threads that wait there are inside of them. */
  readonly inside: readonly (readonly number[])[];
  readonly sets: readonly CodePointSet[];
  readonly loops: readonly Loop[];
  readonly start: number;
}

/** Most nodes of one pattern with its uncounted repetitions written out. */
export const NODE_LIMIT = 30_000;
/** Repetitions of at most this many rounds are written out: a counter would save nothing. */
const WRITTEN_OUT = 8;

/** Builds the automaton; repetitions in `unrolled` are written out. Throws limit_exceeded over NODE_LIMIT nodes. */
export function buildNfa(pattern: Pattern, unrolled: ReadonlySet<Pattern>, pointer: string): Nfa {
  const nodes: NfaNode[] = [];
  const inside: (readonly number[])[] = [];
  const sets: CodePointSet[] = [];
  const setIds = new Map<CodePointSet, number>();
  const setKeys = new Map<string, number>();
  const loops: Loop[] = [];
  const put = (node: NfaNode, around: readonly number[]): number => {
    if (nodes.length >= NODE_LIMIT) {
      throw problem(
        'limit_exceeded',
        `The pattern at ${pointer || 'the root'} needs more than ${NODE_LIMIT} positions with its repetitions written out.`,
        { pointer },
      );
    }
    nodes.push(node);
    inside.push(around);
    return nodes.length - 1;
  };
  const setId = (set: CodePointSet): number => {
    let id = setIds.get(set);
    if (id === undefined) {
      const key = set.join();
      id = setKeys.get(key) ?? sets.length;
      if (id === sets.length) {
        setKeys.set(key, id);
        sets.push(set);
      }
      setIds.set(set, id);
    }
    return id;
  };
  /** A loop without a count around `body`; returns the node that decides between another round and `next`. */
  const star = (body: Pattern, next: number, around: readonly number[]): number => {
    const to: number[] = [];
    const decide = put({ kind: 'fork', to }, around);
    to.push(build(body, decide, around), next);
    return decide;
  };
  const build = (node: Pattern, next: number, around: readonly number[]): number => {
    switch (node.kind) {
      case 'set':
        return put({ kind: 'read', set: setId(node.set), next }, around);
      case 'sequence': {
        let entry = next;
        for (let i = node.parts.length - 1; i >= 0; i--) entry = build(node.parts[i], entry, around);
        return entry;
      }
      case 'choice':
        return put({ kind: 'fork', to: node.options.map((option) => build(option, next, around)) }, around);
      case 'edge':
        return put({ kind: 'edge', at: node.at, next }, around);
      case 'repeat':
        return repeat(node, next, around);
    }
  };
  const repeat = (node: Extract<Pattern, { kind: 'repeat' }>, next: number, around: readonly number[]): number => {
    const { body, max } = node;
    // Rounds that may be empty are free; where only an edge makes them so, each must find its edge.
    const min = nullability(body) === 'always' ? 0 : node.min;
    if (max === 0) return next;
    if (max === Number.POSITIVE_INFINITY && min === 0) return star(body, next, around);
    if (max === Number.POSITIVE_INFINITY && min === 1) {
      const to: number[] = [];
      const decide = put({ kind: 'fork', to }, around);
      const entry = build(body, decide, around);
      to.push(entry, next);
      return entry;
    }
    const rounds = max === Number.POSITIVE_INFINITY ? min : max;
    if (rounds > WRITTEN_OUT && nullability(body) === 'never' && !unrolled.has(node)) {
      const loop = loops.length;
      const saturates = max === Number.POSITIVE_INFINITY;
      const counter: Counter = { name: `repeat ${loop}`, max: rounds, saturates };
      loops.push({ pattern: node, min, max, counter });
      const within = [...around, loop];
      const to: number[] = [];
      const decide = put({ kind: 'fork', to }, within);
      const entry = build(body, decide, within);
      to.push(put({ kind: 'count', loop, step: 'again', next: entry }, within));
      to.push(put({ kind: 'count', loop, step: 'leave', next }, within));
      const enter = put({ kind: 'count', loop, step: 'enter', next: entry }, around);
      return min === 0 ? put({ kind: 'fork', to: [enter, next] }, around) : enter;
    }
    let entry = max === Number.POSITIVE_INFINITY ? star(body, next, around) : next;
    if (max !== Number.POSITIVE_INFINITY) {
      for (let i = min; i < max; i++) entry = put({ kind: 'fork', to: [build(body, entry, around), next] }, around);
    }
    for (let i = 0; i < min; i++) entry = build(body, entry, around);
    return entry;
  };
  const final = put({ kind: 'final' }, []);
  const start = build(pattern, final, []);
  return { nodes, inside, sets, loops, start };
}

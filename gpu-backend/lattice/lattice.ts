/**
 * The lattice of one canvas: the token graphs of its holes one behind the other, tied together by what the literals between
 * them do. A path from the start to an accepting end is one text that satisfies the constraint; the layout (how many
 * positions each hole has, where phrases are anchored) is settled before.
 */

import type { ShiftRule } from './bits.ts';
import type { Graph } from './graph.ts';

/** Epsilon edges from the nodes of one hole's graph to the entry nodes of the next: exits of node n are from[n]..from[n+1]. */
export interface Link {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly rule: readonly ShiftRule[];
}

export interface LatticeHole {
  readonly graph: Graph;
  /** Text position of the hole's first layer. */
  readonly first: number;
  /** Positions of the hole: layers 0..length, edges between neighbours. */
  readonly length: number;
  /** Nodes that i tokens can reach are 0..reach[i]: breadth-first order makes them a prefix. */
  readonly reach: Int32Array;
  /** Group moves on the ruler, as rules. */
  readonly groupRule: readonly ShiftRule[];
  /** Groups, of any core, that hold a class. */
  readonly groupsOf: (classId: number) => Int32Array;
  /** To the next hole; undefined at the last. */
  readonly link: Link | undefined;
}

export interface Lattice {
  readonly holes: readonly LatticeHole[];
  /** Ruler values 0..ruler-1; 1 when there is no ruler. */
  readonly ruler: number;
  readonly words: number;
  /** Entry: node of the first hole's graph, with this ruler value. */
  readonly startNode: number;
  readonly startRuler: number;
  /** Ruler values with which the text may end, per node of the last hole's graph (nodes x words). */
  readonly accepting: Uint32Array;
  /** True when the text ends in the last hole, so that end-of-text tokens may fill its tail. */
  readonly tail: boolean;
  /** First text position at which the end of text may stand. */
  readonly endFrom: number;
  /** Text position from which on only the end of text may stand; the number of positions where that is not settled. */
  readonly endUntil: number;
  readonly eos: number;
  /** Text position p's first token must be of these classes (bytes per class), where a phrase ends just before it. */
  readonly allowedAt: ReadonlyMap<number, Uint8Array>;
}

/** The groups whose sets hold a class, over all cores of a graph. */
export function createGroupIndex(graph: Graph): (classId: number) => Int32Array {
  const { groupSet, sets, setStart, setClasses } = graph.lift;
  const groupsOfSet: number[][] = Array.from({ length: sets }, () => []);
  for (let g = 0; g < groupSet.length; g++) groupsOfSet[groupSet[g]].push(g);
  const cache = new Map<number, Int32Array>();
  return (classId) => {
    let groups = cache.get(classId);
    if (groups === undefined) {
      const list: number[] = [];
      for (let set = 0; set < sets; set++) {
        if (setClasses.subarray(setStart[set], setStart[set + 1]).includes(classId)) list.push(...groupsOfSet[set]);
      }
      groups = Int32Array.from(list);
      cache.set(classId, groups);
    }
    return groups;
  };
}

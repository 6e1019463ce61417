/**
 * The token graph of one hole: nodes are a core and the values of all counters but one, edges follow the groups of the
 * lift. The one counter left out, the *ruler* (the widest that is only ever added to, such as the characters of the whole
 * text), is never multiplied into nodes: along an edge it only shifts, and everything that depends on it is an array over
 * its values.
 */
import type { Guard } from '../../shared/constraints/automaton.ts';
import type { Effect } from './effect.ts';
import type { Lift } from './lift.ts';

/** Ruler values from `min` to `max` may pass, and are raised by `add`. */
export interface RulerStep {
  readonly min: number;
  readonly max: number;
  readonly add: number;
}

export interface Graph {
  readonly lift: Lift;
  /** The counter left out of the nodes, -1 for none. */
  readonly ruler: number;
  readonly nodes: number;
  readonly nodeCore: Int32Array;
  /** Fewest tokens from an entry to each node; ascending, for nodes are numbered breadth-first. */
  readonly nodeDepth: Int32Array;
  /** Values of all counters at each node, counters.length to a node (the ruler's is 0). */
  readonly nodeValues: Int32Array;
  /** Target of group g of node n's core: edgeTo[edgeBase[n] + g - groupStart[core]], -1 where the counters forbid it. */
  readonly edgeBase: Int32Array;
  readonly edgeTo: Int32Array;
  /** The same edges by where they lead: inFrom and inSet (set of classes) at inStart[n] .. inStart[n + 1]. */
  readonly inStart: Int32Array;
  readonly inFrom: Int32Array;
  readonly inSet: Int32Array;
  /** Nodes of core q, ascending: coreNodes[coreNodeStart[q] .. coreNodeStart[q + 1]). */
  readonly coreNodeStart: Int32Array;
  readonly coreNodes: Int32Array;
  /** Core that each group leaves from. */
  readonly groupCore: Int32Array;
  /** What each group does to the ruler: values groupMin..groupMax pass and are raised by groupAdd. */
  readonly groupMin: Int32Array;
  readonly groupMax: Int32Array;
  readonly groupAdd: Int32Array;
  /** Number of node for a core and counter values, -1 when tokens cannot reach it. */
  find(core: number, values: ArrayLike<number>): number;
}

/** Edges beyond which a constraint is refused: with what goes with them about 30 MB of tables. */
const EDGE_LIMIT = 1_000_000;

/** Index of the counter to leave out of the nodes, -1 when none is worth it. `whole` counters come first in every machine. */
export function chooseRuler(
  counters: readonly { readonly max: number }[],
  neverSet: (counter: number) => boolean,
): number {
  let ruler = -1;
  for (let j = 0; j < counters.length; j++) {
    if (neverSet(j) && counters[j].max >= 8 && (ruler < 0 || counters[j].max > counters[ruler].max)) ruler = j;
  }
  return ruler;
}

/**
 * Expands a lift from entry nodes, to what `depth` tokens can reach.
 * Throws RangeError when the graph is larger than the limit.
 */
export function buildGraph(
  lift: Lift,
  ruler: number,
  entries: readonly { readonly core: number; readonly values: ArrayLike<number> }[],
  depth: number,
): Graph {
  const { counters } = lift.machine;
  const m = counters.length;
  const radix = counters.map((counter, j) => (j === ruler ? 1 : counter.max + 1));
  const keyOf = (core: number, values: ArrayLike<number>): number | string => {
    let key = core;
    for (let j = 0; j < m; j++) key = key * radix[j] + (j === ruler ? 0 : values[j]);
    return key <= Number.MAX_SAFE_INTEGER ? key : `${core}/${Array.from(values).join(',')}`;
  };
  const numbering = new Map<number | string, number>();
  const nodeCore: number[] = [];
  const nodeDepth: number[] = [];
  const nodeValues: number[] = [];
  const edgeBase: number[] = [];
  const edgeTo: number[] = [];
  const nodeOf = (core: number, values: ArrayLike<number>, level: number): number => {
    const key = keyOf(core, values);
    let node = numbering.get(key);
    if (node === undefined) {
      node = nodeCore.length;
      numbering.set(key, node);
      nodeCore.push(core);
      nodeDepth.push(level);
      for (let j = 0; j < m; j++) nodeValues.push(j === ruler ? 0 : values[j]);
    }
    return node;
  };
  for (const entry of entries) nodeOf(entry.core, entry.values, 0);
  const values = new Int32Array(m);
  for (let node = 0; node < nodeCore.length; node++) {
    const level = nodeDepth[node];
    edgeBase.push(edgeTo.length);
    const core = nodeCore[node];
    for (let g = lift.groupStart[core]; g < lift.groupStart[core + 1]; g++) {
      const open =
        level < depth && take(lift.effects.get(lift.groupEffect[g]), nodeValues, node * m, ruler, values, counters);
      edgeTo.push(open ? nodeOf(lift.groupTo[g], values, level + 1) : -1);
    }
    if (edgeTo.length > EDGE_LIMIT) throw new RangeError('the constraint has too many combinations of counters');
  }
  const steps = Array.from(lift.groupEffect, (effect) => rulerStep(lift.effects.get(effect), ruler));
  return {
    lift,
    ruler,
    nodes: nodeCore.length,
    nodeCore: Int32Array.from(nodeCore),
    nodeDepth: Int32Array.from(nodeDepth),
    nodeValues: Int32Array.from(nodeValues),
    edgeBase: Int32Array.from(edgeBase),
    edgeTo: Int32Array.from(edgeTo),
    ...incoming(lift, nodeCore, edgeBase, edgeTo),
    ...nodesByCore(lift, nodeCore),
    groupMin: Int32Array.from(steps, (step) => step.min),
    groupMax: Int32Array.from(steps, (step) => step.max),
    groupAdd: Int32Array.from(steps, (step) => step.add),
    find: (core, at) => numbering.get(keyOf(core, at)) ?? -1,
  };
}

function incoming(lift: Lift, nodeCore: readonly number[], edgeBase: readonly number[], edgeTo: readonly number[]) {
  const inStart = new Int32Array(nodeCore.length + 1);
  for (const to of edgeTo) if (to >= 0) inStart[to + 1]++;
  for (let n = 0; n < nodeCore.length; n++) inStart[n + 1] += inStart[n];
  const next = inStart.slice();
  const inFrom = new Int32Array(inStart[nodeCore.length]);
  const inSet = new Int32Array(inStart[nodeCore.length]);
  for (let n = 0; n < nodeCore.length; n++) {
    const firstGroup = lift.groupStart[nodeCore[n]];
    const groups = lift.groupStart[nodeCore[n] + 1] - firstGroup;
    for (let j = 0; j < groups; j++) {
      const to = edgeTo[edgeBase[n] + j];
      if (to < 0) continue;
      inFrom[next[to]] = n;
      inSet[next[to]++] = lift.groupSet[firstGroup + j];
    }
  }
  return { inStart, inFrom, inSet };
}

function nodesByCore(lift: Lift, nodeCore: readonly number[]) {
  const coreNodeStart = new Int32Array(lift.cores + 1);
  for (const core of nodeCore) coreNodeStart[core + 1]++;
  for (let q = 0; q < lift.cores; q++) coreNodeStart[q + 1] += coreNodeStart[q];
  const next = coreNodeStart.slice();
  const coreNodes = new Int32Array(nodeCore.length);
  for (let n = 0; n < nodeCore.length; n++) coreNodes[next[nodeCore[n]]++] = n;
  const groupCore = new Int32Array(lift.groupTo.length);
  for (let q = 0; q < lift.cores; q++) groupCore.fill(q, lift.groupStart[q], lift.groupStart[q + 1]);
  return { coreNodeStart, coreNodes, groupCore };
}

/** Writes the counter values behind an effect into `into`; false when the values may not take it. The ruler is not looked at. */
export function take(
  effect: Effect,
  values: ArrayLike<number>,
  offset: number,
  ruler: number,
  into: Int32Array,
  counters: readonly { readonly max: number }[],
): boolean {
  for (let j = 0; j < into.length; j++) {
    if (j === ruler) continue;
    const value = values[offset + j];
    if (value < effect.min[j] || value > effect.max[j]) return false;
    into[j] = effect.sets[j] ? effect.amount[j] : Math.min(value + effect.amount[j], counters[j].max);
  }
  return true;
}

/** What an effect does to the ruler. */
export function rulerStep(effect: Effect, ruler: number): RulerStep {
  if (ruler < 0) return { min: 0, max: 0, add: 0 };
  return { min: effect.min[ruler], max: effect.max[ruler], add: effect.amount[ruler] };
}

/** True when guards hold on a node's values, the ruler left aside; its bounds are narrowed into `bounds`. */
export function holds(
  guards: readonly Guard[],
  values: ArrayLike<number>,
  offset: number,
  ruler: number,
  bounds: { min: number; max: number },
): boolean {
  for (const { counter, min, max } of guards) {
    if (counter === ruler) {
      bounds.min = Math.max(bounds.min, min);
      bounds.max = Math.min(bounds.max, max);
    } else if (values[offset + counter] < min || values[offset + counter] > max) {
      return false;
    }
  }
  return bounds.min <= bounds.max;
}

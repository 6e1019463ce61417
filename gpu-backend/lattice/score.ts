/**
 * The score layer: forward and backward sums over the lattice, in scaled numbers. beta(cell) is the total probability of
 * all ways to finish from a cell; alpha(cell) that of all ways to come to it. (Dang & Ermon 2026, arXiv 2607.07026,
 * section 3, as a sparse chain; the ruler is an array index, not a state.)
 */
import { hasBit } from './bits.ts';
import type { Lattice, LatticeHole } from './lattice.ts';
import type { ClassMasses } from './masses.ts';
import type { OpenSets, Reach } from './reach.ts';
import { add, align, clear, DOWN, NOWHERE, normalise, type Scaled, scaled } from './scaled.ts';

/** Weights of one position: what each set of classes and the end of text weigh there. */
export interface PositionWeights {
  /** Per set of classes of the hole's lift; 0 where it is closed. */
  readonly set: Float64Array;
  /** Weight of the end-of-text token; 0 where it is closed. */
  readonly end: number;
}

/** Sums class masses into sets. A committed position weighs 1 on the sets of its token. */
export function positionWeights(
  hole: LatticeHole,
  masses: ClassMasses | undefined,
  open: OpenSets,
  endOpen: boolean,
  into: Float64Array,
): PositionWeights {
  const { setStart, setClasses } = hole.graph.lift;
  for (let set = 0; set < into.length; set++) {
    if (open !== undefined && open[set] === 0) {
      into[set] = 0;
    } else if (masses === undefined) {
      into[set] = 1;
    } else {
      let sum = 0;
      for (let i = setStart[set]; i < setStart[set + 1]; i++) sum += masses.mass[setClasses[i]];
      into[set] = sum;
    }
  }
  return { set: into, end: endOpen ? (masses?.end ?? 1) : 0 };
}

/** beta of every cell: per hole and layer, (nodes x ruler) cells, then one for the tail. */
export interface Backward {
  readonly layers: readonly (readonly Scaled[])[];
}

export function allocateBackward(lattice: Lattice): Backward {
  return {
    layers: lattice.holes.map(({ graph, length }) =>
      Array.from({ length: length + 1 }, () => scaled(graph.nodes * lattice.ruler + 1)),
    ),
  };
}

/** Values of the ruler that can occur at a layer, as a window: reached from the left and live to the right. */
export interface Window {
  readonly min: number;
  readonly max: number;
}

/** Backward pass. `weights(h, layer)` gives the weights of a position; cells outside the windows are left at zero. */
export function backward(
  lattice: Lattice,
  reach: Reach,
  weights: (hole: number, layer: number) => PositionWeights,
  windows: readonly (readonly Window[])[],
  into: Backward,
): void {
  const { holes, ruler } = lattice;
  for (let h = holes.length - 1; h >= 0; h--) {
    const hole = holes[h];
    const layers = into.layers[h];
    endOfHole(lattice, h, layers[hole.length], into, windows[h][hole.length]);
    for (let layer = hole.length - 1; layer >= 0; layer--) {
      const { set, end } = weights(h, layer);
      const here = layers[layer];
      const next = layers[layer + 1];
      const cells = (hole.reach[layer] + 1) * ruler;
      clear(here, 0, here.m.length);
      edgesBackward(hole, layer, set, here, next, ruler, windows[h][layer]);
      if (end > 0 && reach.tailLive(layer + 1)) {
        const tail = next.m.length - 1;
        for (let cell = 0; cell < cells; cell++) {
          if (hasBit(lattice.accepting, Math.floor(cell / ruler) * lattice.words, cell % ruler)) {
            add(here, cell, end * next.m[tail], next.e[tail]);
          }
        }
        add(here, tail === here.m.length - 1 ? tail : here.m.length - 1, end * next.m[tail], next.e[tail]);
      }
      normalise(here, 0, cells);
      normalise(here, here.m.length - 1, here.m.length);
      if (ruler === 1) align(here, cells);
    }
  }
}

function endOfHole(lattice: Lattice, h: number, here: Scaled, all: Backward, window: Window): void {
  const { ruler, words, accepting, tail } = lattice;
  const { graph, link } = lattice.holes[h];
  clear(here, 0, here.m.length);
  for (let n = 0; n < graph.nodes; n++) {
    for (let c = window.min; c <= window.max; c++) {
      if (link === undefined) {
        if (hasBit(accepting, n * words, c)) add(here, n * ruler + c, 1, 0);
        continue;
      }
      for (let x = link.from[n]; x < link.from[n + 1]; x++) {
        const rule = link.rule[x];
        if (c < rule.min || c > rule.max) continue;
        const next = all.layers[h + 1][0];
        const cell = link.to[x] * ruler + Math.min(c + rule.add, rule.top);
        add(here, n * ruler + c, next.m[cell], next.e[cell]);
      }
    }
  }
  if (link === undefined && tail) add(here, here.m.length - 1, 1, 0);
}

function edgesBackward(
  hole: LatticeHole,
  layer: number,
  set: Float64Array,
  here: Scaled,
  next: Scaled,
  ruler: number,
  window: Window,
): void {
  if (ruler === 1) {
    plainBackward(hole, hole.reach[layer], set, here, next);
    return;
  }
  const { nodeCore, edgeBase, edgeTo, lift, groupMin, groupMax, groupAdd } = hole.graph;
  const top = ruler - 1;
  for (let n = 0; n <= hole.reach[layer]; n++) {
    const firstGroup = lift.groupStart[nodeCore[n]];
    const lastGroup = lift.groupStart[nodeCore[n] + 1];
    for (let g = firstGroup, edge = edgeBase[n]; g < lastGroup; g++, edge++) {
      const weight = set[lift.groupSet[g]];
      const to = edgeTo[edge];
      if (weight === 0 || to < 0) continue;
      const from = Math.max(window.min, groupMin[g]);
      const until = Math.min(window.max, groupMax[g]);
      const added = groupAdd[g];
      for (let c = from; c <= until; c++) {
        const source = to * ruler + Math.min(c + added, top);
        if (next.m[source] !== 0) add(here, n * ruler + c, weight * next.m[source], next.e[source]);
      }
    }
  }
}

/** The backward step without a ruler, sums kept in registers: 4 times faster than through `add` (5,000 states, measured). */
function plainBackward(hole: LatticeHole, lastNode: number, set: Float64Array, here: Scaled, next: Scaled): void {
  const { nodeCore, edgeBase, edgeTo, lift } = hole.graph;
  const { groupStart, groupSet } = lift;
  const nextM = next.m;
  const nextE = next.e;
  const { common } = next;
  if (!Number.isNaN(common)) {
    for (let n = 0; n <= lastNode; n++) {
      const firstGroup = groupStart[nodeCore[n]];
      const lastGroup = groupStart[nodeCore[n] + 1];
      let m = 0;
      for (let g = firstGroup, edge = edgeBase[n]; g < lastGroup; g++, edge++) {
        const to = edgeTo[edge];
        if (to >= 0) m += set[groupSet[g]] * nextM[to];
      }
      here.m[n] = m;
      here.e[n] = m === 0 ? NOWHERE : common;
    }
    return;
  }
  for (let n = 0; n <= lastNode; n++) {
    const firstGroup = groupStart[nodeCore[n]];
    const lastGroup = groupStart[nodeCore[n] + 1];
    let m = 0;
    let e = NOWHERE;
    for (let g = firstGroup, edge = edgeBase[n]; g < lastGroup; g++, edge++) {
      const to = edgeTo[edge];
      if (to < 0) continue;
      const x = set[groupSet[g]] * nextM[to];
      if (x === 0) continue;
      const at = nextE[to];
      if (at === e) m += x;
      else if (at > e) {
        m = (at - e === 1 ? m * DOWN : 0) + x;
        e = at;
      } else if (e - at === 1) m += x * DOWN;
    }
    here.m[n] = m;
    here.e[n] = e;
  }
}

/** One layer of the forward pass: alpha of the next layer from alpha of this one. The tail's cell is the last. */
export function forwardStep(
  lattice: Lattice,
  h: number,
  layer: number,
  { set, end }: PositionWeights,
  here: Scaled,
  next: Scaled,
  window: Window,
): void {
  const { ruler, words, accepting } = lattice;
  const hole = lattice.holes[h];
  const { nodeCore, edgeBase, edgeTo, lift } = hole.graph;
  clear(next, 0, next.m.length);
  const tail = next.m.length - 1;
  if (ruler === 1 && !Number.isNaN(here.common)) {
    plainForward(lattice, hole, layer, set, end, here, next);
    return;
  }
  const { groupMin, groupMax, groupAdd } = hole.graph;
  const top = ruler - 1;
  for (let n = 0; n <= hole.reach[layer]; n++) {
    const firstGroup = lift.groupStart[nodeCore[n]];
    const lastGroup = lift.groupStart[nodeCore[n] + 1];
    for (let c = window.min; c <= window.max; c++) {
      const cell = n * ruler + c;
      const m = here.m[cell];
      if (m === 0) continue;
      const e = here.e[cell];
      for (let g = firstGroup, edge = edgeBase[n]; g < lastGroup; g++, edge++) {
        const to = edgeTo[edge];
        const x = m * set[lift.groupSet[g]];
        if (x === 0 || to < 0 || c < groupMin[g] || c > groupMax[g]) continue;
        const target = to * ruler + Math.min(c + groupAdd[g], top);
        if (next.e[target] === e) next.m[target] += x;
        else add(next, target, x, e);
      }
      if (end > 0 && hasBit(accepting, n * words, c)) add(next, tail, m * end, e);
    }
  }
  if (end > 0) add(next, tail, here.m[tail] * end, here.e[tail]);
  normalise(next, 0, next.m.length);
  if (ruler === 1) align(next, tail);
}

/** The forward step without a ruler, gathered by target. */
function plainForward(
  { accepting }: Lattice,
  hole: LatticeHole,
  layer: number,
  set: Float64Array,
  end: number,
  here: Scaled,
  next: Scaled,
): void {
  const { inStart, inFrom, inSet } = hole.graph;
  const { m: hereM, common } = here;
  const lastNode = hole.reach[layer + 1];
  for (let n = 0; n <= lastNode; n++) {
    let m = 0;
    for (let i = inStart[n]; i < inStart[n + 1]; i++) m += hereM[inFrom[i]] * set[inSet[i]];
    next.m[n] = m;
    next.e[n] = m === 0 ? NOWHERE : common;
  }
  const tail = next.m.length - 1;
  if (end > 0) {
    let ending = 0;
    for (let n = 0; n <= hole.reach[layer]; n++) if (accepting[n] !== 0) ending += hereM[n];
    add(next, tail, ending * end, common);
    add(next, tail, here.m[tail] * end, here.e[tail]);
  }
  normalise(next, 0, next.m.length);
  align(next, tail);
}

/**
 * The score layer: forward and backward sums over the lattice, in scaled numbers. beta(cell) is the total probability of
 * all ways to finish from a cell; alpha(cell) that of all ways to come to it. (Dang & Ermon 2026, arXiv 2607.07026,
 * section 3, as a sparse chain; the ruler is an array index, not a state.)
 */
import { hasBit } from './bits.ts';
import type { Lattice, LatticeHole } from './lattice.ts';
import type { ClassMasses } from './masses.ts';
import type { OpenGroups, Reach } from './reach.ts';
import { add, clear, normalise, type Scaled, scaled } from './scaled.ts';

/** Weights of one position: what each group and the end of text weigh there. */
export interface PositionWeights {
  /** Per group of the hole's graph; 0 where the group is closed. */
  readonly group: Float64Array;
  /** Weight of the end-of-text token; 0 where it is closed. */
  readonly end: number;
}

/** Sums class masses into groups. A committed position weighs 1 on the groups of its token. */
export function positionWeights(
  hole: LatticeHole,
  masses: ClassMasses | undefined,
  open: OpenGroups,
  endOpen: boolean,
  into: Float64Array,
): PositionWeights {
  const { groupClassStart, groupClasses } = hole.graph.lift;
  for (let g = 0; g < into.length; g++) {
    if (open !== undefined && open[g] === 0) {
      into[g] = 0;
    } else if (masses === undefined) {
      into[g] = 1;
    } else {
      let sum = 0;
      for (let i = groupClassStart[g]; i < groupClassStart[g + 1]; i++) sum += masses.mass[groupClasses[i]];
      into[g] = sum;
    }
  }
  return { group: into, end: endOpen ? (masses?.end ?? 1) : 0 };
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
      const { group, end } = weights(h, layer);
      const here = layers[layer];
      const next = layers[layer + 1];
      const cells = (hole.reach[layer] + 1) * ruler;
      clear(here, 0, here.m.length);
      edgesBackward(hole, layer, group, here, next, ruler, windows[h][layer]);
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
  group: Float64Array,
  here: Scaled,
  next: Scaled,
  ruler: number,
  window: Window,
): void {
  const { nodeCore, edgeBase, edgeTo, lift } = hole.graph;
  const nextM = next.m;
  const nextE = next.e;
  for (let n = 0; n <= hole.reach[layer]; n++) {
    const firstGroup = lift.groupStart[nodeCore[n]];
    const lastGroup = lift.groupStart[nodeCore[n] + 1];
    for (let g = firstGroup, edge = edgeBase[n]; g < lastGroup; g++, edge++) {
      const weight = group[g];
      const to = edgeTo[edge];
      if (weight === 0 || to < 0) continue;
      const rule = hole.groupRule[g];
      const from = Math.max(window.min, rule.min);
      const until = Math.min(window.max, rule.max);
      for (let c = from; c <= until; c++) {
        const source = to * ruler + Math.min(c + rule.add, rule.top);
        if (nextM[source] !== 0) add(here, n * ruler + c, weight * nextM[source], nextE[source]);
      }
    }
  }
}

/** One layer of the forward pass: alpha of the next layer from alpha of this one. The tail's cell is the last. */
export function forwardStep(
  lattice: Lattice,
  h: number,
  layer: number,
  { group, end }: PositionWeights,
  here: Scaled,
  next: Scaled,
  window: Window,
): void {
  const { ruler, words, accepting } = lattice;
  const hole = lattice.holes[h];
  const { nodeCore, edgeBase, edgeTo, lift } = hole.graph;
  clear(next, 0, next.m.length);
  const tail = next.m.length - 1;
  for (let n = 0; n <= hole.reach[layer]; n++) {
    const firstGroup = lift.groupStart[nodeCore[n]];
    const lastGroup = lift.groupStart[nodeCore[n] + 1];
    for (let c = window.min; c <= window.max; c++) {
      const cell = n * ruler + c;
      const m = here.m[cell];
      if (m === 0) continue;
      for (let g = firstGroup, edge = edgeBase[n]; g < lastGroup; g++, edge++) {
        const to = edgeTo[edge];
        if (group[g] === 0 || to < 0) continue;
        const rule = hole.groupRule[g];
        if (c < rule.min || c > rule.max) continue;
        add(next, to * ruler + Math.min(c + rule.add, rule.top), m * group[g], here.e[cell]);
      }
      if (end > 0 && hasBit(accepting, n * words, c)) add(next, tail, m * end, here.e[cell]);
    }
  }
  if (end > 0) add(next, tail, here.m[tail] * end, here.e[tail]);
  normalise(next, 0, next.m.length);
}

/**
 * The most likely text: for each cell the log-probability of the best way to finish from it (max-product, the greedy
 * counterpart of the backward sums; DINGO 2025, arXiv 2505.23061).
 */
import { hasBit } from './bits.ts';
import type { Lattice } from './lattice.ts';
import type { Reach } from './reach.ts';
import type { PositionWeights, Window } from './score.ts';

/** Per hole and layer: log-probabilities of nodes x ruler cells, then the tail; -Infinity where there is no way. */
export type Best = readonly (readonly Float64Array[])[];

export function allocateBest(lattice: Lattice): Best {
  return lattice.holes.map(({ graph, length }) =>
    Array.from({ length: length + 1 }, () => new Float64Array(graph.nodes * lattice.ruler + 1)),
  );
}

/** `weights` here holds natural logarithms of the best token of each set, -Infinity where closed. */
export function bestToFinish(
  lattice: Lattice,
  reach: Reach,
  weights: (hole: number, layer: number) => PositionWeights,
  windows: readonly (readonly Window[])[],
  into: Best,
): void {
  const { holes, ruler, words, accepting } = lattice;
  for (let h = holes.length - 1; h >= 0; h--) {
    const hole = holes[h];
    const { nodeCore, edgeBase, edgeTo, lift } = hole.graph;
    bestAtEnd(lattice, h, into, windows[h][hole.length]);
    for (let layer = hole.length - 1; layer >= 0; layer--) {
      const { set, end } = weights(h, layer);
      const here = into[h][layer].fill(Number.NEGATIVE_INFINITY);
      const next = into[h][layer + 1];
      const tail = here.length - 1;
      const window = windows[h][layer];
      const toTail = reach.tailLive(layer + 1) ? end + next[tail] : Number.NEGATIVE_INFINITY;
      for (let n = 0; n <= hole.reach[layer]; n++) {
        const firstGroup = lift.groupStart[nodeCore[n]];
        const lastGroup = lift.groupStart[nodeCore[n] + 1];
        for (let g = firstGroup, edge = edgeBase[n]; g < lastGroup; g++, edge++) {
          const to = edgeTo[edge];
          const weight = set[lift.groupSet[g]];
          if (to < 0 || weight === Number.NEGATIVE_INFINITY) continue;
          const rule = hole.groupRule[g];
          const until = Math.min(window.max, rule.max);
          for (let c = Math.max(window.min, rule.min); c <= until; c++) {
            const score = weight + next[to * ruler + Math.min(c + rule.add, rule.top)];
            if (score > here[n * ruler + c]) here[n * ruler + c] = score;
          }
        }
        if (toTail === Number.NEGATIVE_INFINITY) continue;
        for (let c = window.min; c <= window.max; c++) {
          if (hasBit(accepting, n * words, c) && toTail > here[n * ruler + c]) here[n * ruler + c] = toTail;
        }
      }
      here[tail] = toTail;
    }
  }
}

function bestAtEnd(lattice: Lattice, h: number, into: Best, window: Window): void {
  const { ruler, words, accepting, tail, holes } = lattice;
  const { graph, link, length } = holes[h];
  const here = into[h][length].fill(Number.NEGATIVE_INFINITY);
  if (link === undefined && tail) here[here.length - 1] = 0;
  for (let n = 0; n < graph.nodes; n++) {
    for (let c = window.min; c <= window.max; c++) {
      if (link === undefined) {
        if (hasBit(accepting, n * words, c)) here[n * ruler + c] = 0;
        continue;
      }
      for (let x = link.from[n]; x < link.from[n + 1]; x++) {
        const rule = link.rule[x];
        if (c < rule.min || c > rule.max) continue;
        const score = into[h + 1][0][link.to[x] * ruler + Math.min(c + rule.add, rule.top)];
        if (score > here[n * ruler + c]) here[n * ruler + c] = score;
      }
    }
  }
}

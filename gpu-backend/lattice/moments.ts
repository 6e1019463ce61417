/**
 * Where summing over every ruler value would cost more than a model step, the score layer keeps, for each node, the mean
 * and variance of what the rest of the text adds to the ruler, and takes the chance of ending in bounds from a normal
 * distribution. Only the score is approximate: which ruler values are possible is still decided by the bits.
 */
import { hasBit } from './bits.ts';
import type { Graph } from './graph.ts';
import type { Lattice } from './lattice.ts';
import type { Reach } from './reach.ts';
import { ratio } from './scaled.ts';
import type { Backward, PositionWeights } from './score.ts';

/** The same lattice with the ruler taken away: one cell per node. */
export function withoutRuler(lattice: Lattice): Lattice {
  const still = { min: 0, max: 0, add: 0, saturates: false, top: 0 };
  const accepting = new Uint32Array(lattice.accepting.length / lattice.words);
  for (let n = 0; n < accepting.length; n++) {
    for (let w = 0; w < lattice.words; w++) if (lattice.accepting[n * lattice.words + w] !== 0) accepting[n] = 1;
  }
  return {
    ...lattice,
    ruler: 1,
    words: 1,
    startRuler: 0,
    accepting,
    holes: lattice.holes.map((hole) => ({
      ...hole,
      graph: withoutSteps(hole.graph),
      groupRule: hole.groupRule.map(() => still),
      link: hole.link && { ...hole.link, rule: hole.link.rule.map(() => still) },
    })),
  };
}

function withoutSteps(graph: Graph): Graph {
  const none = new Int32Array(graph.groupAdd.length);
  return { ...graph, groupMin: none, groupMax: none, groupAdd: none };
}

/** Per hole and layer: mean and variance of the ruler still to come, per node. */
export interface Moments {
  readonly mean: readonly (readonly Float64Array[])[];
  readonly variance: readonly (readonly Float64Array[])[];
}

export function allocateMoments(lattice: Lattice): Moments {
  const arrays = () =>
    lattice.holes.map(({ graph, length }) => Array.from({ length: length + 1 }, () => new Float64Array(graph.nodes)));
  return { mean: arrays(), variance: arrays() };
}

/** Fills the moments from the backward sums of the lattice without its ruler. `ruled` has the rules of the ruler. */
export function remainingRuler(
  ruled: Lattice,
  plain: Lattice,
  reach: Reach,
  weights: (hole: number, layer: number) => PositionWeights,
  sums: Backward,
  into: Moments,
): void {
  for (let h = ruled.holes.length - 1; h >= 0; h--) {
    const hole = ruled.holes[h];
    const { graph, link, length } = hole;
    const { nodeCore, edgeBase, edgeTo, lift } = graph;
    for (let n = 0; n < graph.nodes; n++) {
      const exit = link !== undefined && link.from[n] < link.from[n + 1] ? link.from[n] : -1;
      into.mean[h][length][n] = exit < 0 ? 0 : link!.rule[exit].add + into.mean[h + 1][0][link!.to[exit]];
      into.variance[h][length][n] = exit < 0 ? 0 : into.variance[h + 1][0][link!.to[exit]];
    }
    for (let layer = length - 1; layer >= 0; layer--) {
      const { set, end } = weights(h, layer);
      const here = sums.layers[h][layer];
      const next = sums.layers[h][layer + 1];
      const tail = next.m.length - 1;
      for (let n = 0; n <= hole.reach[layer]; n++) {
        let total = 0;
        let first = 0;
        let second = 0;
        const firstGroup = lift.groupStart[nodeCore[n]];
        const lastGroup = lift.groupStart[nodeCore[n] + 1];
        for (let g = firstGroup, edge = edgeBase[n]; g < lastGroup; g++, edge++) {
          const to = edgeTo[edge];
          const weight = set[lift.groupSet[g]];
          if (to < 0 || weight === 0 || next.m[to] === 0) continue;
          const share = ratio(weight * next.m[to], next.e[to], here.m[n], here.e[n]);
          const adds = hole.groupRule[g].add + into.mean[h][layer + 1][to];
          total += share;
          first += share * adds;
          second += share * (adds * adds + into.variance[h][layer + 1][to]);
        }
        if (end > 0 && reach.tailLive(layer + 1) && hasBit(plain.accepting, n, 0)) {
          total += ratio(end * next.m[tail], next.e[tail], here.m[n], here.e[n]);
        }
        const mean = total > 0 ? first / total : 0;
        into.mean[h][layer][n] = mean;
        into.variance[h][layer][n] = total > 0 ? Math.max(0, second / total - mean * mean) : 0;
      }
    }
  }
}

/** Least weight of a cell that the bits call live. */
const LEAST_CHANCE = 1e-12;

/** Chance that value + a normal rest lies within min..max (max Infinity: no upper bound), never below 1e-12. */
export function chanceInBounds(value: number, mean: number, variance: number, min: number, max: number): number {
  const deviation = Math.sqrt(variance) + 0.25;
  const upper = max === Number.POSITIVE_INFINITY ? 1 : normal((max + 0.5 - value - mean) / deviation);
  return Math.max(LEAST_CHANCE, upper - normal((min - 0.5 - value - mean) / deviation));
}

/** Distribution function of the standard normal, by the logistic approximation of Bowling et al. 2009 (error < 1.4e-4). */
function normal(z: number): number {
  return 1 / (1 + Math.exp(-(1.5976 * z + 0.07056 * z * z * z)));
}

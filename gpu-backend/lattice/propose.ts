/**
 * One whole text, drawn from the model's rows conditioned on the constraint, with the exact constrained probability of
 * each of its tokens: forward filtering, backward sums (FFBS; Carter & Kohn 1994), the best text at temperature 0.
 */
import { hasBit } from './bits.ts';
import { follow } from './follow.ts';
import type { Lattice } from './lattice.ts';
import { bestOfSet, type ClassMasses, classMasses } from './masses.ts';
import { allocateMoments, remainingRuler, withoutRuler } from './moments.ts';
import { createReach } from './reach.ts';
import { log } from './scaled.ts';
import { allocateBackward, backward, type PositionWeights, positionWeights, type Window } from './score.ts';
import { allocateBest, bestToFinish } from './viterbi.ts';
import { rulerWindows } from './window.ts';

/** Rows of the model: for each listed text position a probability for every token. */
export interface ProposalRows {
  readonly positions: Int32Array;
  readonly vocabulary: number;
  /** positions x vocabulary. */
  readonly probabilities: Float32Array;
}

export interface Draw {
  /** 0: the most likely text. */
  readonly temperature: number;
  /** Uniform in (0, 1), from position and draw number alone. */
  readonly random: (position: number, draw: number) => number;
}

/** A token for every position that lies in a hole, and the constrained probability of those that rows were given for. */
export interface Filling {
  readonly tokens: Int32Array;
  readonly confidence: Float64Array;
}

export interface Proposer {
  /** True when the canvas (token or -1 per text position) can be finished. */
  feasible(canvas: Int32Array): boolean;
  /** Draws a filling of the canvas. Throws when the canvas cannot be finished: only a caller's mistake leads there. */
  propose(canvas: Int32Array, rows: ProposalRows, draw: Draw): Filling;
  /** Natural logarithm of the total probability of all texts that finish the canvas. */
  logTotal(canvas: Int32Array, rows: ProposalRows): number;
}

/** Sums over edges x ruler values beyond which the ruler is scored by moments: about a millisecond on one core. */
const EXACT_RULER_VISITS = 250_000;

/** A proposer for one canvas. Beyond `exactRulerVisits` sums a step, the ruler is scored by moments. */
export function createProposer(lattice: Lattice, exactRulerVisits = EXACT_RULER_VISITS): Proposer {
  const reach = createReach(lattice);
  const plain = lattice.ruler === 1 ? lattice : withoutRuler(lattice);
  const exactSums = lazy(() => allocateBackward(lattice));
  const plainSums = lattice === plain ? exactSums : lazy(() => allocateBackward(plain));
  const exactBest = lazy(() => allocateBest(lattice));
  const plainBest = lattice === plain ? exactBest : lazy(() => allocateBest(plain));
  const moments = lazy(() => allocateMoments(lattice));
  const scratch = lattice.holes.map(({ graph }) => new Float64Array(graph.lift.sets));
  const bounds = endBounds(lattice);

  const prepare = (canvas: Int32Array, rows: ProposalRows) => {
    reach.update(canvas);
    if (!reach.feasible()) throw new Error('the canvas cannot be finished under its constraint');
    const masses = massesByPosition(lattice, rows);
    const windows = rulerWindows(lattice, reach);
    const exact = lattice.ruler === 1 || visits(lattice, windows) <= exactRulerVisits;
    const weights = (h: number, layer: number): PositionWeights => {
      const position = lattice.holes[h].first + layer;
      const token = canvas[position];
      const last = h === lattice.holes.length - 1;
      return positionWeights(
        lattice.holes[h],
        token < 0 ? masses(h, position) : undefined,
        reach.openSets(h, layer),
        lattice.tail && last && position >= lattice.endFrom && (token < 0 || token === lattice.eos),
        scratch[h],
      );
    };
    const active = exact ? lattice : plain;
    const sums = exact ? exactSums() : plainSums();
    const activeWindows = exact ? windows : plainWindows(lattice);
    backward(active, reach, weights, activeWindows, sums);
    return { masses, windows: activeWindows, weights, active, sums, exact };
  };

  return {
    feasible(canvas) {
      reach.update(canvas);
      return reach.feasible();
    },
    logTotal(canvas, rows) {
      const { active, sums } = prepare(canvas, rows);
      if (active.holes.length === 0) return 0;
      const cell = active.startNode * active.ruler + active.startRuler;
      return log(sums.layers[0][0].m[cell], sums.layers[0][0].e[cell]);
    },
    propose(canvas, rows, draw) {
      const { masses, windows, weights, active, sums, exact } = prepare(canvas, rows);
      if (!exact) remainingRuler(lattice, plain, reach, weights, sums, moments());
      const best = draw.temperature > 0 ? undefined : exact ? exactBest() : plainBest();
      if (best !== undefined) {
        const logs = (h: number, layer: number): PositionWeights => {
          const { set, end } = weights(h, layer);
          const position = lattice.holes[h].first + layer;
          const row = canvas[position] >= 0 ? undefined : masses(h, position);
          for (let s = 0; s < set.length; s++) {
            set[s] = Math.log(
              set[s] > 0 && row !== undefined ? bestOfSet(lattice.holes[h].graph.lift, s, row) : set[s],
            );
          }
          return { set, end: Math.log(end) };
        };
        bestToFinish(active, reach, logs, windows, best);
      }
      const guide = exact ? undefined : { moments: moments(), ...bounds };
      return follow({ lattice, active, reach, canvas, rows, masses, weights, windows, sums, best, guide, draw });
    },
  };
}

function lazy<T>(make: () => T): () => T {
  let value: T | undefined;
  return () => {
    value ??= make();
    return value;
  };
}

/** Class masses of a position, folded once; positions without a row weigh every token alike. */
function massesByPosition(lattice: Lattice, rows: ProposalRows): (hole: number, position: number) => ClassMasses {
  const rowOf = new Map<number, number>();
  for (const [row, position] of rows.positions.entries()) rowOf.set(position, row);
  const known = new Map<number, ClassMasses>();
  return (h, position) => {
    const found = known.get(position);
    if (found !== undefined) return found;
    const { classOf, classes, classTokens, classStart } = lattice.holes[h].graph.lift;
    const row = rowOf.get(position);
    const even = () => new Float32Array(rows.vocabulary).fill(1 / rows.vocabulary);
    const masses = classMasses(
      row === undefined ? even() : rows.probabilities,
      row === undefined ? 0 : row * rows.vocabulary,
      classOf,
      classes,
      classTokens,
      classStart,
      lattice.eos,
    );
    const allowed = lattice.allowedAt.get(position);
    if (allowed !== undefined) {
      for (let k = 0; k < classes; k++) if (allowed[k] === 0) masses.mass[k] = masses.best[k] = 0;
    }
    known.set(position, masses);
    return masses;
  };
}

function visits(lattice: Lattice, windows: readonly (readonly Window[])[]): number {
  let total = 0;
  lattice.holes.forEach(({ graph, length, reach }, h) => {
    for (let layer = 0; layer < length; layer++) {
      const edges = reach[layer] + 1 < graph.nodes ? graph.edgeBase[reach[layer] + 1] : graph.edgeTo.length;
      total += edges * (windows[h][layer].max - windows[h][layer].min + 1);
    }
  });
  return total;
}

function plainWindows(lattice: Lattice): Window[][] {
  return lattice.holes.map(({ length }) => new Array<Window>(length + 1).fill({ min: 0, max: 0 }));
}

/** Least and greatest ruler value with which any text may end. */
function endBounds(lattice: Lattice): { min: number; max: number } {
  let min = lattice.ruler - 1;
  let max = 0;
  for (let n = 0; n * lattice.words < lattice.accepting.length; n++) {
    for (let c = 0; c < lattice.ruler; c++) {
      if (!hasBit(lattice.accepting, n * lattice.words, c)) continue;
      min = Math.min(min, c);
      max = Math.max(max, c);
    }
  }
  const saturates = lattice.holes.some(({ groupRule }) => groupRule.some((rule) => rule.saturates));
  return { min, max: saturates && max === lattice.ruler - 1 ? Number.POSITIVE_INFINITY : max };
}

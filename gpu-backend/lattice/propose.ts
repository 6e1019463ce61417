/**
 * One whole text, drawn from the model's rows conditioned on the constraint, with the exact constrained probability of
 * each of its tokens: forward filtering, backward sums (FFBS; Carter & Kohn 1994), the best text at temperature 0.
 */
import { hasBit } from './bits.ts';
import { choiceWeights } from './choice-weights.ts';
import { follow } from './follow.ts';
import { forwardUntil } from './forward.ts';
import type { Lattice } from './lattice.ts';
import { lazy } from './lazy.ts';
import { bestOfSet, type ClassMasses, classMasses } from './masses.ts';
import { allocateMoments, remainingRuler, withoutRuler } from './moments.ts';
import type { Draw, Filling, ProposalRows } from './proposal.ts';
import { createReach, type Reach } from './reach.ts';
import { massesOf } from './rows.ts';
import { log } from './scaled.ts';
import { allocateBackward, backward, type PositionWeights, positionWeights, type Window } from './score.ts';
import { allocateBest, bestToFinish } from './viterbi.ts';
import type { Vocabulary } from './vocabulary.ts';
import { rulerWindows } from './window.ts';

export interface Proposer {
  /** True when the canvas (token or -1 per text position) can be finished. */
  feasible(canvas: Int32Array): boolean;
  /** Draws a filling of the canvas. Throws when the canvas cannot be finished: only a caller's mistake leads there. */
  propose(canvas: Int32Array, rows: ProposalRows, draw: Draw): Filling;
  /** Probability of each choice of hole `h` on this canvas; `choices` are the bytes the hole's positions spell. */
  choiceProbabilities(
    canvas: Int32Array,
    rows: ProposalRows,
    h: number,
    choices: readonly Uint8Array[],
    vocabulary: Vocabulary,
  ): number[];
  /** Natural logarithm of the total probability of all texts that finish the canvas. */
  logTotal(canvas: Int32Array, rows: ProposalRows): number;
}

/** Sums over edges x ruler values beyond which the ruler is scored by moments: about a millisecond on one core. */
const EXACT_RULER_VISITS = 250_000;

/**
 * A proposer for one canvas.
 *
 * Where the ruler is wide (more than `exactRulerVisits` sums a step) it is not summed over. A text is then drawn with the
 * ruler only estimated, and kept when it ends within bounds: it is its own proof. Should it not, a second one is drawn under
 * the exact bits. Either way what is returned is accepted, and the model is not asked again.
 */
export function createProposer(lattice: Lattice, exactRulerVisits = EXACT_RULER_VISITS): Proposer {
  const exact = lattice.ruler === 1 || visits(lattice) <= exactRulerVisits;
  const active = exact ? lattice : withoutRuler(lattice);
  const ruledReach = lazy(() => createReach(lattice));
  const plainReach = lazy(() => (exact ? ruledReach() : createReach(active)));
  const sums = lazy(() => allocateBackward(active));
  const best = lazy(() => allocateBest(active));
  const moments = lazy(() => allocateMoments(lattice));
  const scratch = lattice.holes.map(({ graph }) => new Float64Array(graph.lift.sets));
  const bounds = lazy(() => endBounds(lattice));
  const still = lattice.holes.map(({ length }) => new Array<Window>(length + 1).fill({ min: 0, max: 0 }));

  const score = (canvas: Int32Array, rows: ProposalRows, temperature: number, reach: Reach) => {
    reach.update(canvas);
    if (!reach.feasible()) throw new Error('the canvas cannot be finished under its constraint');
    const masses = massesByPosition(lattice, rows, temperature === 0);
    const windows = lattice.ruler > 1 && exact ? rulerWindows(lattice, reach) : still;
    const last = lattice.holes.length - 1;
    const weights = (h: number, layer: number): PositionWeights => {
      const position = lattice.holes[h].first + layer;
      const token = canvas[position];
      const mayEnd = lattice.tail && h === last && position >= lattice.endFrom;
      return positionWeights(
        lattice.holes[h],
        token < 0 ? masses(h, position) : undefined,
        reach.openSets(h, layer),
        mayEnd && (token < 0 || token === lattice.eos),
        scratch[h],
      );
    };
    backward(active, reach, weights, windows, sums());
    return { masses, windows, weights };
  };

  const attempt = (canvas: Int32Array, rows: ProposalRows, draw: Draw, reach: Reach, ruled: boolean) => {
    const { masses, windows, weights } = score(canvas, rows, draw.temperature, reach);
    if (!exact) remainingRuler(lattice, active, reach, weights, sums(), moments());
    if (draw.temperature === 0) {
      const logs = (h: number, layer: number) => bestWeights(lattice, canvas, h, layer, weights(h, layer), masses);
      bestToFinish(active, reach, logs, windows, best());
    }
    return follow({
      ...{ lattice, active, reach, ruled, canvas, rows, masses, weights, windows, draw },
      sums: sums(),
      best: draw.temperature === 0 ? best() : undefined,
      guide: exact ? undefined : { moments: moments(), ...bounds() },
    });
  };

  return {
    feasible(canvas) {
      ruledReach().update(canvas);
      return ruledReach().feasible();
    },
    logTotal(canvas, rows) {
      score(canvas, rows, 1, ruledReach());
      if (active.holes.length === 0) return 0;
      const cell = active.startNode * active.ruler + active.startRuler;
      return log(sums().layers[0][0].m[cell], sums().layers[0][0].e[cell]);
    },
    choiceProbabilities(canvas, rows, h, choices, vocabulary) {
      const { weights, windows } = score(canvas, rows, 1, plainReach());
      const alpha = forwardUntil(active, h, weights, windows);
      return choiceWeights({ lattice: active, canvas, rows, sums: sums(), weights, alpha }, h, choices, vocabulary);
    },
    propose(canvas, rows, draw) {
      const filling =
        attempt(canvas, rows, draw, plainReach(), exact) ?? attempt(canvas, rows, draw, ruledReach(), true);
      if (filling === undefined) throw new Error('a live cell of the lattice has no way on');
      return filling;
    },
  };
}

/** Logarithms of the likeliest token's weight, in place of sums. */
function bestWeights(
  lattice: Lattice,
  canvas: Int32Array,
  h: number,
  layer: number,
  { set, end }: PositionWeights,
  masses: (hole: number, position: number) => ClassMasses,
): PositionWeights {
  const position = lattice.holes[h].first + layer;
  const row = canvas[position] >= 0 ? undefined : masses(h, position);
  for (let s = 0; s < set.length; s++) {
    set[s] = Math.log(set[s] > 0 && row !== undefined ? bestOfSet(lattice.holes[h].graph.lift, s, row) : set[s]);
  }
  return { set, end: Math.log(end) };
}

/** Class masses of a position, folded once; positions without a row weigh every token alike. */
function massesByPosition(
  lattice: Lattice,
  rows: ProposalRows,
  likeliest: boolean,
): (hole: number, position: number) => ClassMasses {
  const rowOf = new Map<number, number>();
  for (const [row, position] of rows.positions.entries()) rowOf.set(position, row);
  const known = new Map<number, ClassMasses>();
  return (h, position) => {
    const found = known.get(position);
    if (found !== undefined) return found;
    const row = rowOf.get(position);
    const { lift } = lattice.holes[h].graph;
    const even = () => new Float32Array(rows.vocabulary).fill(1 / rows.vocabulary);
    const masses =
      row === undefined
        ? classMasses(even(), 0, lift, lattice.eos, likeliest)
        : massesOf(rows, row, lift, lattice.eos, likeliest);
    const allowed = lattice.allowedAt.get(position);
    if (allowed !== undefined) {
      for (let k = 0; k < allowed.length; k++) {
        if (allowed[k] === 1) continue;
        masses.mass[k] = 0;
        if (likeliest) masses.best[k] = 0;
      }
    }
    known.set(position, masses);
    return masses;
  };
}

/** Edges x ruler values over all layers: the most that one pass of exact sums can cost. */
function visits(lattice: Lattice): number {
  let total = 0;
  for (const { graph, length, reach } of lattice.holes) {
    for (let layer = 0; layer < length; layer++) {
      total += reach[layer] + 1 < graph.nodes ? graph.edgeBase[reach[layer] + 1] : graph.edgeTo.length;
    }
  }
  return total * lattice.ruler;
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

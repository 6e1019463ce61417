/**
 * How likely each choice of a hole is, under the model's rows and everything else that must hold: for each choice the sum
 * over all its tokenisations of all ways through the lattice, exact, from one model evaluation.
 */
import { hasBit } from './bits.ts';
import type { Lattice } from './lattice.ts';
import type { ProposalRows } from './proposal.ts';
import { shareOf } from './rows.ts';
import { log, logAdd, type Scaled } from './scaled.ts';
import type { Backward, PositionWeights } from './score.ts';
import { spellings, type Vocabulary } from './vocabulary.ts';

export interface ScoredLattice {
  readonly lattice: Lattice;
  readonly canvas: Int32Array;
  readonly rows: ProposalRows;
  readonly sums: Backward;
  readonly weights: (hole: number, layer: number) => PositionWeights;
  /** alpha at the first layer of the hole. */
  readonly alpha: Scaled;
}

/**
 * Probabilities of the choices of hole `h`, in their order; they sum to 1. `choices` are the bytes that the hole's positions
 * spell, the space before it included. Where no choice has any probability, all count alike.
 */
export function choiceWeights(
  scored: ScoredLattice,
  h: number,
  choices: readonly Uint8Array[],
  vocabulary: Vocabulary,
): number[] {
  const logs = choices.map((bytes) => logWeight(scored, h, bytes, vocabulary));
  const greatest = Math.max(...logs);
  if (!Number.isFinite(greatest)) return choices.map(() => 1 / choices.length);
  const weights = logs.map((value) => Math.exp(value - greatest));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

const NOTHING: PositionWeights = { set: new Float64Array(0), end: 0 };

function logWeight(scored: ScoredLattice, h: number, bytes: Uint8Array, vocabulary: Vocabulary): number {
  const { lattice, sums, weights, alpha } = scored;
  const hole = lattice.holes[h];
  const { ruler, words, accepting } = lattice;
  const last = h === lattice.holes.length - 1;
  let total = Number.NEGATIVE_INFINITY;
  // Log-weights by (bytes written, cell), layer by layer.
  let here = new Map<number, number>();
  const cells = alpha.m.length;
  const key = (written: number, cell: number) => written * cells + cell;
  for (let cell = 0; cell < cells - 1; cell++) {
    if (alpha.m[cell] > 0) here.set(key(0, cell), log(alpha.m[cell], alpha.e[cell]));
  }
  for (let layer = 0; ; layer++) {
    const beta = sums.layers[h][layer];
    const tail = layer < hole.length ? sums.layers[h][layer + 1] : undefined;
    const { set, end } = layer < hole.length ? weights(h, layer) : NOTHING;
    for (const [at, weight] of here) {
      if (Math.floor(at / cells) < bytes.length) continue;
      const cell = at % cells;
      if (layer === hole.length) {
        if (beta.m[cell] > 0) total = logAdd(total, weight + log(beta.m[cell], beta.e[cell]));
      } else if (last && end > 0 && hasBit(accepting, Math.floor(cell / ruler) * words, cell % ruler)) {
        const rest = tail!.m.length - 1;
        if (tail!.m[rest] > 0) total = logAdd(total, weight + Math.log(end) + log(tail!.m[rest], tail!.e[rest]));
      }
    }
    if (layer === hole.length) return total;
    const next = new Map<number, number>();
    for (const [at, weight] of here) {
      const written = Math.floor(at / cells);
      if (written < bytes.length)
        step(scored, h, layer, bytes, written, at % cells, weight, set, vocabulary, (w, cell, x) => {
          next.set(key(w, cell), logAdd(next.get(key(w, cell)) ?? Number.NEGATIVE_INFINITY, x));
        });
    }
    here = next;
  }
}

/** All tokens that write the next bytes of a choice from a cell. */
function step(
  { lattice, canvas, rows }: ScoredLattice,
  h: number,
  layer: number,
  bytes: Uint8Array,
  written: number,
  cell: number,
  weight: number,
  set: Float64Array,
  vocabulary: Vocabulary,
  put: (written: number, cell: number, weight: number) => void,
): void {
  const hole = lattice.holes[h];
  const { edgeBase, edgeTo, nodeCore, groupCore, lift } = hole.graph;
  const node = Math.floor(cell / lattice.ruler);
  const ruler = cell % lattice.ruler;
  const position = hole.first + layer;
  const row = rows.positions.indexOf(position);
  spellings(bytes, written, vocabulary, (until, token) => {
    if (canvas[position] >= 0 && canvas[position] !== token) return;
    const p = canvas[position] >= 0 ? 1 : row < 0 ? 1 / rows.vocabulary : shareOf(rows, row, token);
    if (p === 0) return;
    for (const g of hole.groupsOf(lift.classOf[token])) {
      if (groupCore[g] !== nodeCore[node] || set[lift.groupSet[g]] === 0) continue;
      const to = edgeTo[edgeBase[node] + g - lift.groupStart[nodeCore[node]]];
      const rule = hole.groupRule[g];
      if (to < 0 || ruler < rule.min || ruler > rule.max) continue;
      put(until, to * lattice.ruler + Math.min(ruler + rule.add, rule.top), weight + Math.log(p));
    }
  });
}

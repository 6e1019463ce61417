/**
 * Where a text of open length ends. Before its tail is written, the model's probability of end-of-text at a position *is* its
 * distribution function of the length: the share of texts that have ended by there. So the end is drawn from it once, and
 * the text is written towards that end. Left to be proposed position by position, texts collapse to their shortest form
 * (the length bias that CAL and LR-DLLM report for masked models).
 */
import type { Lattice, LatticeHole } from './lattice.ts';
import type { Draw, ProposalRows } from './proposal.ts';
import { createReach } from './reach.ts';
import { shareOf } from './rows.ts';

/** Draw number of the end; tokens use 0 to 2. */
const END_DRAW = 3;

/**
 * The same lattice with its end settled at the possible position nearest to the one drawn; unchanged where the text cannot
 * end early. `usualLeast`: tokens that what is stated of the tail usually takes at least.
 */
export function settleEnd(
  lattice: Lattice,
  canvas: Int32Array,
  rows: ProposalRows,
  draw: Draw,
  usualLeast: number,
): Lattice {
  const ends = possibleEnds(lattice);
  if (ends === undefined) return lattice;
  const { tail, first, last } = ends;
  const wanted = Math.max(drawEnd(lattice, rows, first, last, draw), Math.min(last, tail.first + usualLeast));
  for (let away = 0; away <= last - first; away++) {
    for (const end of away === 0 ? [wanted] : [wanted + away, wanted - away]) {
      if (end < first || end > last) continue;
      const settled = endingAt(lattice, end);
      const reach = createReach(settled);
      reach.update(canvas);
      if (reach.feasible()) return settled;
    }
  }
  return lattice;
}

/** The same lattice with the end that was settled before. Throws a RangeError where the text cannot end there. */
export function settledAt(lattice: Lattice, end: number): Lattice {
  const ends = possibleEnds(lattice);
  if (ends === undefined || end < ends.first || end > ends.last)
    throw new RangeError(`no text ends at position ${end}`);
  return endingAt(lattice, end);
}

const endingAt = (lattice: Lattice, end: number): Lattice => ({ ...lattice, endFrom: end, endUntil: end });

/** The first and the last position at which the text may end; undefined where it cannot end early. */
function possibleEnds(lattice: Lattice): { tail: LatticeHole; first: number; last: number } | undefined {
  const tail = lattice.holes.at(-1);
  if (!lattice.tail || tail === undefined) return undefined;
  return { tail, first: Math.max(tail.first, lattice.endFrom), last: tail.first + tail.length };
}

function drawEnd(lattice: Lattice, rows: ProposalRows, first: number, last: number, draw: Draw): number {
  // At temperature 0 the median: half of the texts have ended by there.
  const uniform = draw.temperature === 0 ? 0.5 : draw.random(last, END_DRAW);
  for (const [row, position] of rows.positions.entries()) {
    if (position < first || position >= last) continue;
    if (shareOf(rows, row, lattice.eos) >= uniform) return position;
  }
  return last;
}

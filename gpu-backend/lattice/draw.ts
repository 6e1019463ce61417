/**
 * The last step of a draw: a token of a chosen group, by its share of the group's probability.
 */
import type { LatticeHole } from './lattice.ts';
import { type ClassMasses, clean } from './masses.ts';
import type { Draw, ProposalRows } from './proposal.ts';
import { drawFromSummary } from './rows.ts';

/** Draws a class of the group, then a token of the class. `allowed` closes classes at this position. */
export function drawToken(
  hole: LatticeHole,
  group: number,
  masses: ClassMasses,
  rows: ProposalRows,
  row: number | undefined,
  allowed: Uint8Array | undefined,
  draw: Draw,
  position: number,
): number {
  const { groupSet, setStart, setClasses, classStart, classTokens } = hole.graph.lift;
  const set = groupSet[group];
  const classes = setClasses
    .subarray(setStart[set], setStart[set + 1])
    .filter((k) => allowed === undefined || allowed[k] === 1);
  if (draw.temperature === 0) {
    let token = -1;
    let best = -1;
    for (const k of classes) {
      if (masses.best[k] > best || (masses.best[k] === best && masses.bestToken[k] < token)) {
        best = masses.best[k];
        token = masses.bestToken[k];
      }
    }
    return token;
  }
  const k = chooseClass(classes, masses, draw.random(position, 1));
  const first = classStart[k];
  const last = classStart[k + 1];
  const uniform = draw.random(position, 2);
  if (row === undefined) return classTokens[first + Math.floor(uniform * (last - first))];
  if (rows.summaries !== undefined) return drawFromSummary(rows.summaries[row], k, uniform);
  return chooseToken(rows.probabilities, row * rows.vocabulary, classTokens, first, last, masses.mass[k], uniform);
}

function chooseClass(classes: Int32Array, masses: ClassMasses, uniform: number): number {
  let total = 0;
  for (const k of classes) total += masses.mass[k];
  let left = uniform * total;
  for (const k of classes) {
    left -= masses.mass[k];
    if (left <= 0) return k;
  }
  return classes[classes.length - 1];
}

/** A token of first..last in proportion to its probability; all alike when none has any. */
function chooseToken(
  probabilities: Float32Array,
  offset: number,
  classTokens: Int32Array,
  first: number,
  last: number,
  total: number,
  uniform: number,
): number {
  let left = uniform * total;
  let chosen = -1;
  for (let i = first; i < last; i++) {
    const p = clean(probabilities[offset + classTokens[i]]);
    if (p === 0) continue;
    chosen = i;
    left -= p;
    if (left <= 0) break;
  }
  return classTokens[chosen < 0 ? first + Math.floor(uniform * (last - first)) : chosen];
}

/**
 * The last step of a draw: a token of a chosen group, by its share of the group's probability.
 */
import type { LatticeHole } from './lattice.ts';
import { type ClassMasses, clean } from './masses.ts';
import type { Draw, ProposalRows } from './propose.ts';

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
  const k = classes[proportional(classes.length, (i) => masses.mass[classes[i]], draw.random(position, 1))];
  const first = classStart[k];
  const offset = (row ?? 0) * rows.vocabulary;
  const share = (i: number) => (row === undefined ? 1 : clean(rows.probabilities[offset + classTokens[first + i]]));
  return classTokens[first + proportional(classStart[k + 1] - first, share, draw.random(position, 2))];
}

/** Index 0..count-1 in proportion to its weight; all alike when no weight is positive. */
function proportional(count: number, weight: (index: number) => number, uniform: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += weight(i);
  if (!(total > 0)) return Math.min(count - 1, Math.floor(uniform * count));
  let left = uniform * total;
  let last = 0;
  for (let i = 0; i < count; i++) {
    const w = weight(i);
    if (w === 0) continue;
    last = i;
    left -= w;
    if (left <= 0) return i;
  }
  return last;
}

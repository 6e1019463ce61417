/**
 * Which ruler values can occur at each layer: an interval around the live cells, so that sums over the ruler touch only
 * what is reached from the left and can still finish to the right.
 */
import type { Lattice } from './lattice.ts';
import type { Reach } from './reach.ts';
import type { Window } from './score.ts';

const NOTHING_TO_RULE: Window = { min: 0, max: 0 };

export function rulerWindows(lattice: Lattice, reach: Reach): Window[][] {
  const { holes, ruler } = lattice;
  if (ruler === 1) return holes.map(({ length }) => new Array<Window>(length + 1).fill(NOTHING_TO_RULE));
  let min = lattice.startRuler;
  let max = lattice.startRuler;
  return holes.map((hole, h) => {
    const windows: Window[] = [];
    for (let layer = 0; layer <= hole.length; layer++) {
      windows.push(narrow(reach.layerBits(h, layer), lattice.words, min, max));
      if (layer === hole.length) break;
      const open = reach.openSets(h, layer);
      let least = Number.POSITIVE_INFINITY;
      let most = 0;
      for (let g = 0; g < hole.groupRule.length; g++) {
        if (open !== undefined && open[hole.graph.lift.groupSet[g]] === 0) continue;
        least = Math.min(least, hole.groupRule[g].add);
        most = Math.max(most, hole.groupRule[g].add);
      }
      min = Math.min(ruler - 1, min + (Number.isFinite(least) ? least : 0));
      max = Math.min(ruler - 1, max + most);
    }
    if (hole.link !== undefined) {
      const adds = hole.link.rule.map((rule) => rule.add);
      min = Math.min(ruler - 1, min + (adds.length === 0 ? 0 : adds.reduce((a, b) => Math.min(a, b))));
      max = Math.min(ruler - 1, max + adds.reduce((a, b) => Math.max(a, b), 0));
    }
    return windows;
  });
}

/** The live part of min..max: from the least to the greatest value with which any node is live. */
function narrow(bits: Uint32Array, words: number, min: number, max: number): Window {
  const union = new Uint32Array(words);
  for (let at = 0; at < bits.length; at++) union[at % words] |= bits[at];
  let from = min;
  let until = max;
  const live = (value: number) => ((union[value >>> 5] >>> (value & 31)) & 1) === 1;
  while (from < until && !live(from)) from++;
  while (until > from && !live(until)) until--;
  return { min: from, max: until };
}

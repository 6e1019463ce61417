/**
 * alpha between holes: where the forward sums start, and how they cross a literal.
 */
import type { Lattice } from './lattice.ts';
import { add, normalise, type Scaled, scaled } from './scaled.ts';
import { forwardStep, type PositionWeights, type Window } from './score.ts';

/** alpha at the first layer of the first hole. */
export function startForward(active: Lattice): Scaled {
  const alpha = scaled(active.holes[0].graph.nodes * active.ruler + 1);
  add(alpha, active.startNode * active.ruler + active.startRuler, 1, 0);
  return alpha;
}

/** alpha at the first layer of hole `until`, all holes before it summed over. */
export function forwardUntil(
  active: Lattice,
  until: number,
  weights: (hole: number, layer: number) => PositionWeights,
  windows: readonly (readonly Window[])[],
): Scaled {
  let here = startForward(active);
  for (let h = 0; h < until; h++) {
    let next = scaled(here.m.length);
    for (let layer = 0; layer < active.holes[h].length; layer++) {
      forwardStep(active, h, layer, weights(h, layer), here, next, windows[h][layer]);
      [here, next] = [next, here];
    }
    here = linkForward(active, h, here);
  }
  return here;
}

/** alpha at the first layer of the next hole. */
export function linkForward(active: Lattice, h: number, here: Scaled): Scaled {
  const { ruler, holes } = active;
  const link = holes[h].link!;
  const next = scaled(holes[h + 1].graph.nodes * ruler + 1);
  for (let n = 0; n < holes[h].graph.nodes; n++) {
    for (let c = 0; c < ruler; c++) {
      const cell = n * ruler + c;
      if (here.m[cell] === 0) continue;
      for (let x = link.from[n]; x < link.from[n + 1]; x++) {
        const rule = link.rule[x];
        if (c < rule.min || c > rule.max) continue;
        add(next, link.to[x] * ruler + Math.min(c + rule.add, rule.top), here.m[cell], here.e[cell]);
      }
    }
  }
  normalise(next, 0, next.m.length);
  return next;
}

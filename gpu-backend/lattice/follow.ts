/**
 * The walk along the lattice from the left: each position's token is drawn in proportion to what lies behind it, while
 * alpha is carried along for the confidences.
 */
import { hasBit } from './bits.ts';
import { drawToken } from './draw.ts';
import type { Following } from './following.ts';
import { linkForward, startForward } from './forward.ts';
import { marginal } from './marginal.ts';
import { bestOfSet } from './masses.ts';
import { chanceInBounds } from './moments.ts';
import type { Filling } from './proposal.ts';
import { shareOf } from './rows.ts';
import { log, type Scaled, scaled } from './scaled.ts';
import { forwardStep, type PositionWeights } from './score.ts';
import { spread } from './spread.ts';

/**
 * Draws a token for every position of the lattice, with the confidence of those that rows were given for. Undefined when
 * `reach` did not know the ruler and the text left its bounds.
 */
export function follow(work: Following): Filling | undefined {
  const { lattice, active, canvas, rows, weights, windows, draw } = work;
  const tokens = new Int32Array(canvas.length).fill(-1);
  const confidence = new Float64Array(canvas.length);
  const certainty = draw.measure === undefined ? undefined : new Float64Array(canvas.length);
  const rowOf = new Map<number, number>();
  for (const [row, position] of rows.positions.entries()) rowOf.set(position, row);
  let node = lattice.startNode;
  let ruler = lattice.startRuler;
  let ended = false;
  let alpha: Scaled | undefined;
  for (const [h, hole] of lattice.holes.entries()) {
    const cells = hole.graph.nodes * active.ruler + 1;
    let here = alpha ?? startForward(active);
    let next = scaled(cells);
    for (let layer = 0; layer < hole.length; layer++) {
      const position = hole.first + layer;
      const weight = weights(h, layer);
      const step = ended ? 'end' : chooseGroup(work, h, layer, node, ruler, weight);
      if (step === 'stuck') return undefined;
      if (step === 'end') {
        ended = true;
        tokens[position] = lattice.eos;
      } else {
        const held = canvas[position];
        tokens[position] =
          held >= 0
            ? held
            : drawToken(
                hole,
                step.group,
                work.masses(h, position),
                rows,
                rowOf.get(position),
                lattice.allowedAt.get(position),
                draw,
                position,
              );
        const rule = hole.groupRule[step.group];
        node = step.to;
        ruler = Math.min(ruler + rule.add, rule.top);
      }
      const row = rowOf.get(position);
      if (canvas[position] < 0 && row !== undefined) {
        const p = shareOf(rows, row, tokens[position]);
        confidence[position] = marginal(work, h, layer, weight, { token: tokens[position], p }, here);
        if (certainty !== undefined) certainty[position] = spread(work, h, layer, weight, row, here);
      }
      forwardStep(active, h, layer, weight, here, next, windows[h][layer]);
      [here, next] = [next, here];
    }
    if (hole.link === undefined) break;
    const crossed = exit(work, h, node, ruler);
    if (crossed === undefined) return undefined;
    ({ node, ruler } = crossed);
    alpha = linkForward(active, h, here);
  }
  return ended || hasBit(lattice.accepting, node * lattice.words, ruler)
    ? { tokens, confidence, certainty }
    : undefined;
}

interface GroupStep {
  readonly group: number;
  readonly to: number;
}

/** The group to take from a cell, in proportion to what lies behind it. */
function chooseGroup(
  work: Following,
  h: number,
  layer: number,
  node: number,
  ruler: number,
  weight: PositionWeights,
): GroupStep | 'end' | 'stuck' {
  const { lattice, active, reach, ruled, sums, best, guide, draw } = work;
  const hole = lattice.holes[h];
  const { nodeCore, edgeBase, edgeTo, lift } = hole.graph;
  const next = sums.layers[h][layer + 1];
  const bestNext = best?.[h][layer + 1];
  const tail = next.m.length - 1;
  const masses = work.canvas[hole.first + layer] < 0 ? work.masses(h, hole.first + layer) : undefined;
  const candidates: number[] = [];
  const scores: number[] = [];
  const firstGroup = lift.groupStart[nodeCore[node]];
  for (let g = firstGroup; g < lift.groupStart[nodeCore[node] + 1]; g++) {
    const to = edgeTo[edgeBase[node] + g - firstGroup];
    const mass = weight.set[lift.groupSet[g]];
    if (to < 0 || mass === 0) continue;
    const rule = hole.groupRule[g];
    if (ruler < rule.min || ruler > rule.max) continue;
    const after = Math.min(ruler + rule.add, rule.top);
    if (!reach.live(h, layer + 1, to, ruled ? after : 0)) continue;
    const cell = active.ruler === 1 ? to : to * active.ruler + after;
    const chance =
      guide === undefined
        ? 1
        : chanceInBounds(
            after,
            guide.moments.mean[h][layer + 1][to],
            guide.moments.variance[h][layer + 1][to],
            guide.min,
            guide.max,
          );
    candidates.push(g);
    if (bestNext !== undefined)
      scores.push(
        Math.log(masses === undefined ? 1 : bestOfSet(lift, lift.groupSet[g], masses)) +
          bestNext[cell] +
          Math.log(chance),
      );
    else scores.push(log(mass * next.m[cell], next.e[cell]) + Math.log(chance));
  }
  if (weight.end > 0 && reach.tailLive(layer + 1) && hasBit(lattice.accepting, node * lattice.words, ruler)) {
    const chance = guide === undefined ? 1 : chanceInBounds(ruler, 0, 0, guide.min, guide.max);
    candidates.push(-1);
    if (bestNext !== undefined) scores.push(Math.log(weight.end) + bestNext[tail] + Math.log(chance));
    else scores.push(log(weight.end * next.m[tail], next.e[tail]) + Math.log(chance));
  }
  if (candidates.length === 0) return 'stuck';
  const chosen = candidates[pick(scores, best === undefined ? draw.random(hole.first + layer, 0) : undefined)];
  return chosen < 0 ? 'end' : { group: chosen, to: edgeTo[edgeBase[node] + chosen - firstGroup] };
}

/** Index of a log-score: the greatest without `uniform`, else drawn in proportion. Scores that are no numbers count alike. */
function pick(scores: readonly number[], uniform: number | undefined): number {
  let greatest = Number.NEGATIVE_INFINITY;
  let at = 0;
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] > greatest) {
      greatest = scores[i];
      at = i;
    }
  }
  if (uniform === undefined) return at;
  if (greatest === Number.NEGATIVE_INFINITY) return Math.floor(uniform * scores.length);
  let total = 0;
  for (const score of scores) if (score <= greatest) total += Math.exp(score - greatest);
  let left = uniform * total;
  for (let i = 0; i < scores.length; i++) {
    if (!(scores[i] <= greatest)) continue;
    left -= Math.exp(scores[i] - greatest);
    if (left <= 0) return i;
  }
  return at;
}

/** The cell of the next hole that a finished hole leads to; undefined where there is none. */
function exit({ lattice, reach, ruled }: Following, h: number, node: number, ruler: number) {
  const link = lattice.holes[h].link!;
  for (let x = link.from[node]; x < link.from[node + 1]; x++) {
    const rule = link.rule[x];
    if (ruler < rule.min || ruler > rule.max) continue;
    const after = Math.min(ruler + rule.add, rule.top);
    if (reach.live(h + 1, 0, link.to[x], ruled ? after : 0)) return { node: link.to[x], ruler: after };
  }
  return undefined;
}

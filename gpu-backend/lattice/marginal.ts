/**
 * The exact constrained probability of one token at one position: q(v) = p(v) * sum over its edges of alpha * beta / Z.
 */
import { hasBit } from './bits.ts';
import type { Following } from './following.ts';
import { add, ratio, type Scaled, scaled } from './scaled.ts';
import type { PositionWeights } from './score.ts';

/** Constrained probability of a token at a layer: its own share times all ways through its edges. */
export function marginal(
  work: Following,
  h: number,
  layer: number,
  weight: PositionWeights,
  { token, p }: { readonly token: number; readonly p: number },
  alpha: Scaled,
): number {
  const { active } = work;
  const tokenClass = token === active.eos ? undefined : active.holes[h].graph.lift.classOf[token];
  const value = p * waysThrough(work, h, layer, weight, tokenClass, alpha);
  return value > 0 ? Math.min(1, value) : 0;
}

/**
 * All ways through the edges of a class of tokens at a layer, over all ways: sum of alpha * beta / Z. `undefined`: the end of text.
 * What `weight` says is closed has none, though sums lie behind it.
 */
export function waysThrough(
  work: Following,
  h: number,
  layer: number,
  weight: PositionWeights,
  tokenClass: number | undefined,
  alpha: Scaled,
): number {
  const { active, sums, windows } = work;
  const hole = active.holes[h];
  const { edgeBase, edgeTo, coreNodeStart, coreNodes, groupCore, lift } = hole.graph;
  const next = sums.layers[h][layer + 1];
  const whole = sums.layers[0][0];
  const start = active.startNode * active.ruler + active.startRuler;
  const total = scaled(1);
  const put = (m: number, e: number) => add(total, 0, m, e);
  if (tokenClass === undefined) {
    if (weight.end === 0) return 0;
    const tail = next.m.length - 1;
    for (let cell = 0; cell < alpha.m.length - 1; cell++) {
      if (alpha.m[cell] === 0) continue;
      if (hasBit(active.accepting, Math.floor(cell / active.ruler) * active.words, cell % active.ruler))
        put(alpha.m[cell] * next.m[tail], alpha.e[cell] + next.e[tail]);
    }
    put(alpha.m[alpha.m.length - 1] * next.m[tail], alpha.e[alpha.m.length - 1] + next.e[tail]);
  } else {
    const { min, max } = windows[h][layer];
    const plain = active.ruler === 1 && !Number.isNaN(alpha.common) && !Number.isNaN(next.common);
    let sum = 0;
    for (const g of hole.groupsOf(tokenClass)) {
      const rule = hole.groupRule[g];
      if (weight.set[lift.groupSet[g]] === 0) continue;
      const core = groupCore[g];
      for (let i = coreNodeStart[core]; i < coreNodeStart[core + 1]; i++) {
        const n = coreNodes[i];
        if (n > hole.reach[layer]) break;
        const to = edgeTo[edgeBase[n] + g - lift.groupStart[core]];
        if (to < 0) continue;
        if (plain) {
          sum += alpha.m[n] * next.m[to];
          continue;
        }
        for (let c = Math.max(min, rule.min); c <= Math.min(max, rule.max); c++) {
          const from = n * active.ruler + c;
          const into = to * active.ruler + Math.min(c + rule.add, rule.top);
          if (alpha.m[from] !== 0) put(alpha.m[from] * next.m[into], alpha.e[from] + next.e[into]);
        }
      }
    }
    if (plain) put(sum, alpha.common + next.common);
  }
  return ratio(total.m[0], total.e[0], whole.m[start], whole.e[start]);
}

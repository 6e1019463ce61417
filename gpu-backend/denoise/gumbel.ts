/**
 * Categorical draws by the Gumbel-max trick, in float64.
 *
 * Largest of log w + G, with G = -log(-log U), is a draw with probabilities w / sum(w); so is largest of w / -log U, its
 * exponential, which needs one logarithm. float32 would truncate the tail of G and lower the entropy of what is drawn
 * (Zheng et al., "Masked diffusion models are secretly time-agnostic", arXiv 2409.02908).
 */

/** Standard Gumbel noise of a uniform number in (0, 1). */
export function gumbel(uniform: number): number {
  return -Math.log(-Math.log(uniform));
}

/**
 * Draws an index in [from, to) with probability proportional to its weight.
 *
 * @param weight weight of an index, unnormalised; anything but a positive number counts as 0
 * @param uniform a number in (0, 1) for each index, independent of each other
 * @returns the index, or -1 when no weight is positive
 */
export function gumbelMax(
  from: number,
  to: number,
  weight: (index: number) => number,
  uniform: (index: number) => number,
): number {
  let best = -1;
  let bestScore = 0;
  for (let index = from; index < to; index++) {
    const w = weight(index);
    if (!(w > 0)) continue;
    const score = w / -Math.log(uniform(index));
    if (score > bestScore) {
      bestScore = score;
      best = index;
    }
  }
  return best;
}

// Tokens of one group. A flat draw over 8,192 tokens takes 8,192 random numbers a row; two levels of 128 and 64 take 192
// for the same law, because the maximum of Gumbels with log-weights is a Gumbel with the log of their sum.
const GROUP = 64;

/**
 * Draws a token from one row of probabilities restricted to the tokens for which `allowed` is 1.
 *
 * @param row probabilities, vocabulary values, unnormalised
 * @param allowed vocabulary values, 0 or 1
 * @param uniform numbers of this row by draw
 * @returns token id; the lowest allowed one when no allowed token has a positive weight; -1 when none is allowed
 */
export function drawToken(row: Float32Array, allowed: Uint8Array, uniform: (draw: number) => number): number {
  const groups = Math.ceil(row.length / GROUP);
  const sums = new Float64Array(groups);
  const weight = (token: number) => (allowed[token] === 1 && row[token] > 0 ? row[token] : 0);
  for (let token = 0; token < row.length; token++) sums[Math.floor(token / GROUP)] += weight(token);
  const group = gumbelMax(0, groups, (g) => sums[g], uniform);
  if (group < 0) return allowed.indexOf(1);
  const from = group * GROUP;
  return gumbelMax(from, Math.min(from + GROUP, row.length), weight, (token) => uniform(groups + token - from));
}

/**
 * The most probable token of a row, among those for which `allowed` is 1 where it is given; of equal ones the lowest id. NaN is least.
 * -1 when none is allowed.
 */
export function likeliestToken(row: Float32Array, allowed?: Uint8Array): number {
  let best = -1;
  let most = -1;
  for (let token = 0; token < row.length; token++) {
    if (row[token] > most && (allowed === undefined || allowed[token] === 1)) {
      best = token;
      most = row[token];
    }
  }
  if (best >= 0) return best;
  return allowed === undefined ? 0 : allowed.indexOf(1);
}

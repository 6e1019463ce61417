/**
 * Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011, section 4.3) in 32-bit integer arithmetic.
 *
 * A number depends on (seed, text, step, position, draw) alone, never on how many were drawn before it or by whom: a request's
 * result therefore cannot depend on its neighbours in a batch, and a loop taken up at step s draws what it would have drawn.
 */

// Multipliers and Weyl increments of Philox4x32, from the paper's reference code (Random123).
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** High 32 bits of the 64-bit product of two unsigned 32-bit integers; every partial sum stays below 2^32. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const other = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (other >>> 16)) >>> 0;
}

/** One Philox4x32-10 block: four counter words and two key words (unsigned 32-bit) to four words, written to `out`. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
  out: Uint32Array,
): void {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** A uniform number in the open interval (0, 1), float64, for a position (or -1) and the number of a draw there (0 .. 2^32 - 1). */
export type Uniform = (position: number, draw: number) => number;

/** Who draws: numbers of different purposes never coincide. */
export type Purpose = 'proposal' | 'sampler';
const PURPOSES: Record<Purpose, number> = { proposal: 0, sampler: 1 };

/** 52 bits and a half: the largest value is 1 - 2^-53, the smallest 2^-53. With 53 bits the largest would round to 1. */
function toOpenUnit(high: number, low: number): number {
  return ((high >>> 6) * 0x4000000 + (low >>> 6) + 0.5) * 2 ** -52;
}

/**
 * The random numbers of one step of one text.
 *
 * @param seed 0 .. 2^53 - 1, of the request
 * @param index which of the n texts of the request, 0 .. 2047
 * @param step number of the step, from 1; 0 before the first
 */
export function uniforms(seed: number, index: number, step: number, purpose: Purpose): Uniform {
  const key: [number, number] = [seed >>> 0, (Math.floor(seed / 2 ** 32) | (index << 21)) >>> 0];
  const block = new Uint32Array(4);
  let atPosition = Number.NaN;
  let atPair = Number.NaN;
  return (position, draw) => {
    const pair = draw >>> 1; // a block holds two uniform numbers
    if (position !== atPosition || pair !== atPair) {
      philox([pair, position >>> 0, step >>> 0, PURPOSES[purpose]], key, block);
      atPosition = position;
      atPair = pair;
    }
    return (draw & 1) === 0 ? toOpenUnit(block[0], block[1]) : toOpenUnit(block[2], block[3]);
  };
}

/**
 * The tokens of a lift in the order a device sums them in: class by class, each class filled up to whole blocks.
 *
 * Sums of blocks are what a device sends in place of a row. They are plain sums of few non-negative numbers, so they keep their
 * relative precision however small a class is (a running sum over the vocabulary would not), and they do not depend on what else
 * is in the batch.
 */
import type { TokenClasses } from './masses.ts';

/** Tokens of a block. A class wastes half a block on average; a vocabulary of 126,464 has about a thousand blocks. */
export const BLOCK_TOKENS = 128;

export interface ClassTable {
  readonly lift: TokenClasses;
  /** Tokens in blocks of BLOCK_TOKENS; behind a class's last token stands the filler, whose probability is always 0. */
  readonly order: Int32Array;
  /** Blocks of class k are blockStart[k] .. blockStart[k + 1]; class 0, what no state allows, has none. */
  readonly blockStart: Int32Array;
}

const tables = new WeakMap<TokenClasses, ClassTable>();

/**
 * The table of a lift, made once. One model has one `filler`.
 *
 * @param filler a token that can never be drawn, such as the mask
 */
export function classTable(lift: TokenClasses, filler: number): ClassTable {
  const known = tables.get(lift);
  if (known !== undefined) return known;
  const { classes, classStart, classTokens } = lift;
  const blockStart = new Int32Array(classes + 1);
  for (let k = 1; k < classes; k++) {
    blockStart[k + 1] = blockStart[k] + Math.ceil((classStart[k + 1] - classStart[k]) / BLOCK_TOKENS);
  }
  const order = new Int32Array(blockStart[classes] * BLOCK_TOKENS).fill(filler);
  for (let k = 1; k < classes; k++) {
    order.set(classTokens.subarray(classStart[k], classStart[k + 1]), blockStart[k] * BLOCK_TOKENS);
  }
  const table = { lift, order, blockStart };
  tables.set(lift, table);
  return table;
}

/**
 * Semi-autoregressive blocks: the text is finished block by block from the left, each block with its share of the steps.
 * An option of every sampler; without it the whole text is one block.
 */
import { MASKED } from './constraint.ts';

/** Text positions from..to (to excluded) that are worked on together, and the steps (from 1, inclusive) planned for them. */
export interface Block {
  readonly from: number;
  readonly to: number;
  readonly firstStep: number;
  readonly lastStep: number;
}

/**
 * Plans blocks of `size` positions and shares the steps among them by their masks, at least one each (LLaDA's equal shares
 * where masks are equal). Blocks without masks are left out. Where there are more blocks than steps, the size is doubled
 * until there are not: steps are a ceiling.
 *
 * @param fixed tokens that stand before the first step, -1 where masked
 */
export function planBlocks(fixed: Int32Array, steps: number, size: number = fixed.length): Block[] {
  const ranges: { from: number; to: number; masks: number }[] = [];
  for (let from = 0; from < fixed.length; from += size) {
    const to = Math.min(from + size, fixed.length);
    const masks = countMasks(fixed.subarray(from, to));
    if (masks > 0) ranges.push({ from, to, masks });
  }
  if (ranges.length > steps) return planBlocks(fixed, steps, size * 2);

  const total = countMasks(fixed);
  const blocks: Block[] = [];
  let before = 0; // masks of the blocks so far
  let lastStep = 0;
  ranges.forEach(({ from, to, masks }, i) => {
    before += masks;
    const firstStep = lastStep + 1;
    const blocksBehind = ranges.length - 1 - i;
    lastStep = Math.min(Math.max(Math.round((steps * before) / total), firstStep), steps - blocksBehind);
    blocks.push({ from, to, firstStep, lastStep });
  });
  return blocks;
}

/** The block to work on: the first that holds a mask; undefined when the canvas is finished. */
export function currentBlock(blocks: readonly Block[], canvas: Int32Array): Block | undefined {
  return blocks.find(({ from, to }) => canvas.subarray(from, to).includes(MASKED));
}

/** Number of masked positions. */
export function countMasks(canvas: Int32Array): number {
  let masks = 0;
  for (const token of canvas) if (token === MASKED) masks++;
  return masks;
}

/**
 * To which length a canvas is padded, so that canvases of nearby lengths share a batch.
 *
 * It must not depend on who shares it: another padded length may round sums differently, and a result must not depend on its neighbours.
 */

/**
 * Share of a canvas that is less than this is padding. On two cores a step takes as long as its positions are many from 32 on, whatever
 * they are a multiple of: padding costs its share, and that is about what larger batches save. On a device that is faster the more it
 * gets at once, few lengths count for more; these are the fewest that keep within the share (measured: docs/engine.md).
 */
export const MOST_PADDING = 0.15;

/** Ascending. From one to the next there is as much as the share allows the canvas that only just does not fit the first. */
const lengths = [1];

/** The smallest of the lengths that holds so many positions. */
export function paddedLengthOf(positions: number): number {
  while (lengths[lengths.length - 1] < positions) {
    const shortest = lengths[lengths.length - 1] + 1;
    lengths.push(Math.ceil(shortest / (1 - MOST_PADDING)) - 1);
  }
  return lengths.find((length) => length >= positions)!;
}

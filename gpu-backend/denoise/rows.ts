/**
 * Rows apart: one of them, or some of them together.
 */
import type { Rows } from './constraint.ts';

/** One row, vocabulary values, where it lies. */
export function rowOf({ probabilities, vocabulary }: Rows, row: number): Float32Array {
  return probabilities.subarray(row * vocabulary, (row + 1) * vocabulary);
}

/** The rows of the positions that are wanted, in memory of their own. */
export function pickRows(rows: Rows, wanted: (position: number) => boolean): Rows {
  const { vocabulary } = rows;
  const positions = rows.positions.filter(wanted);
  const probabilities = new Float32Array(positions.length * vocabulary);
  let next = 0;
  rows.positions.forEach((position, r) => {
    if (wanted(position)) probabilities.set(rowOf(rows, r), next++ * vocabulary);
  });
  return { positions, vocabulary, probabilities };
}

/**
 * Which positions the last block of the model has to answer for.
 */
import type { EvaluationInput } from './evaluation.ts';

export interface Queries {
  /** batch x count positions within each canvas: those asked for, then 0s. */
  readonly positions: BigInt64Array;
  /** The same as indices into batch x length. */
  readonly positionRows: Int32Array;
  readonly count: number;
  /** The asked rows as indices into batch x count. */
  readonly rows: Int32Array;
  readonly baseRows: Int32Array;
}

// Queries of a canvas are padded to a multiple of this. A product of a single row takes another way through its sums than one of
// several, and a row's numbers must not depend on how many others are asked for.
const MULTIPLE = 8;

/** Collects the positions that are asked for, canvas by canvas. */
export function planQueries({ batch, length, rows, baseRows }: EvaluationInput): Queries {
  const place = new Int32Array(batch * length).fill(-1); // of each position among its canvas's queries
  const counts = new Int32Array(batch);
  for (const asked of [rows, baseRows ?? rows]) {
    for (const row of asked) if (place[row] < 0) place[row] = counts[Math.floor(row / length)]++;
  }
  const most = counts.reduce((left, right) => Math.max(left, right), 1);
  const count = Math.ceil(most / MULTIPLE) * MULTIPLE;
  const positions = new BigInt64Array(batch * count);
  const positionRows = Int32Array.from(positions, (_, query) => Math.floor(query / count) * length);
  const indexOf = (row: number) => Math.floor(row / length) * count + place[row];
  place.forEach((query, row) => {
    if (query < 0) return;
    positions[indexOf(row)] = BigInt(row % length);
    positionRows[indexOf(row)] = row;
  });
  return { positions, positionRows, count, rows: rows.map(indexOf), baseRows: (baseRows ?? rows).map(indexOf) };
}

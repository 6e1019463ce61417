/**
 * A batch whose rows stay on the device: what its texts read of them becomes one reduction, and its answer one summary a row.
 */
import type { Need } from '../denoise/need.ts';
import { BLOCK_TOKENS, type ClassTable, classTable } from '../lattice/class-table.ts';
import type { RowSummary } from '../lattice/summaries.ts';
import type { EvaluationInput } from '../model/evaluation.ts';
import { type Reduced, type Reduction, SEARCHED_BLOCKS, TOP_TOKENS } from '../model/reduction.ts';
import type { Reducer } from '../model/session.ts';
import type { Counters } from './counters.ts';

/** The summaries of each need's rows. Every need says what is read. */
export async function reduceBatch(
  reducer: Reducer,
  needs: readonly Need[],
  input: EvaluationInput,
  counters: Counters,
): Promise<RowSummary[][]> {
  const tables: ClassTable[] = [];
  const numbers = new Map<ClassTable, number>();
  const watched = new Set<number>();
  const tableOfRow: number[] = [];
  let entropies = false;
  const textOfRow: number[] = [];
  for (const [text, { reading }] of needs.entries()) {
    if (reading === undefined) throw new Error('a text of the batch does not say what it reads');
    for (const token of reading.watched) watched.add(token);
    entropies ||= reading.entropies;
    for (const lift of reading.lifts) {
      const table = classTable(lift, reducer.filler);
      let number = numbers.get(table);
      if (number === undefined) {
        number = tables.length;
        numbers.set(table, number);
        tables.push(table);
      }
      tableOfRow.push(number);
      textOfRow.push(text);
    }
  }
  const reduction: Reduction = {
    block: BLOCK_TOKENS,
    tables: tables.map(({ order }) => order),
    tableOfRow: Int32Array.from(tableOfRow),
    watched: Int32Array.from(watched).sort(),
    entropies,
    weighing: {
      textOfRow: Int32Array.from(textOfRow),
      // As many as a canvas has, whatever stands there: a sum must not depend on the rest of the batch.
      places: input.length,
      factors: needs.map(({ reading }) => reading!.factors),
      eos: needs[0].reading!.eos,
    },
  };
  const reduced = await reducer.reduce(input, reduction);
  counters.add('reduced_bytes', reduced.bytes);
  let row = 0;
  return needs.map(({ reading }) =>
    reading!.lifts.map(() => summaryOf(reduced, reduction, tables[tableOfRow[row]], row++, reading!.watched)),
  );
}

/**
 * The part of an answer that speaks of one row. `watched`: what this text asked for by name; what others of its batch asked for must
 * not change its draws.
 */
export function summaryOf(
  reduced: Reduced,
  reduction: Reduction,
  table: ClassTable,
  row: number,
  watched: Int32Array,
): RowSummary {
  const { blocks, topBlocks, topPlaces, topShares, watchedShares, entropies } = reduced;
  const blocksOf = <T extends Float32Array | Int32Array>(values: T) =>
    values.subarray(row * blocks, (row + 1) * blocks) as T;
  const known = new Map<number, number>();
  for (let i = row * TOP_TOKENS; i < (row + 1) * TOP_TOKENS; i++) {
    if (!(topShares[i] > 0)) continue; // a place that holds no token
    const block = topBlocks[row * SEARCHED_BLOCKS + Math.floor(topPlaces[i] / BLOCK_TOKENS)];
    known.set(table.order[block * BLOCK_TOKENS + (topPlaces[i] % BLOCK_TOKENS)], topShares[i]);
  }
  reduction.watched.forEach((token, i) => {
    if (watched.includes(token)) known.set(token, watchedShares[row * reduction.watched.length + i]);
  });
  return {
    table,
    sums: blocksOf(reduced.sums),
    peaks: blocksOf(reduced.peaks),
    peakPlaces: blocksOf(reduced.peakPlaces),
    entropies: entropies && blocksOf(entropies),
    known,
  };
}

/**
 * Rows as a device sends them: sums of blocks of tokens by class, the likeliest tokens, and a few tokens by name. From these come
 * class masses and likeliest tokens exactly, and draws that are exact for the likeliest tokens.
 *
 * Inside a class a draw takes, in this order: a known token (the row's likeliest, and what was asked for by name) by its own probability; else a block by what is
 * left of its sum; there the block's likeliest token by its own probability, else any other of the block, all alike. So classes and blocks
 * are drawn by their exact probability, and only tokens that are neither known nor the first of their block
 * share theirs.
 */
import { BLOCK_TOKENS, type ClassTable } from './class-table.ts';
import { type ClassMasses, clean, FLOOR } from './masses.ts';
import type { Meter } from './meter.ts';

/** What the device sends of one row. */
export interface RowSummary {
  readonly table: ClassTable;
  /** Sum of probabilities of each block of the table. */
  readonly sums: Float32Array;
  /** Greatest probability of each block, and its place in the block. */
  readonly peaks: Float32Array;
  readonly peakPlaces: Int32Array;
  /** Sum of p ln p of each block; where the entropy was asked for. */
  readonly entropies?: Float32Array;
  /** Tokens with their own probabilities: the row's likeliest, and those that the text asked for by name. */
  readonly known: ReadonlyMap<number, number>;
}

function tableOf(row: RowSummary, lift: ClassTable['lift']): ClassTable {
  if (row.table.lift !== lift) throw new Error('the row was summed over the classes of another lift');
  return row.table;
}

/** Blocks of class k, by number. */
function blocksOf({ blockStart }: ClassTable, k: number): readonly [from: number, to: number] {
  return [blockStart[k], blockStart[k + 1]];
}

/** Probability of a token: its own where it is known, else its share of what its block has left, all alike. */
export function summaryShare(row: RowSummary, token: number): number {
  const known = row.known.get(token);
  if (known !== undefined) return clean(known);
  const { table, peakPlaces, peaks } = row;
  const { classOf } = table.lift;
  const k = classOf[token];
  if (k === 0) return 0;
  const block = blockOf(table, k, token);
  if (table.order[block * BLOCK_TOKENS + peakPlaces[block]] === token) return clean(peaks[block]);
  const { left, others } = blockRest(row, k, block);
  return others.length === 0 ? 0 : left / others.length;
}

/** What a block has left beside the tokens that are known, and the tokens that share it. */
function blockRest(row: RowSummary, k: number, block: number): { left: number; others: number[] } {
  const { table, sums, peaks, peakPlaces, known } = row;
  const { classStart } = table.lift;
  const from = block * BLOCK_TOKENS;
  const size = Math.min(BLOCK_TOKENS, classStart[k + 1] - classStart[k] - (block - table.blockStart[k]) * BLOCK_TOKENS);
  const peak = table.order[from + peakPlaces[block]];
  let left = clean(sums[block]) - clean(peaks[block]);
  const others: number[] = [];
  for (let i = from; i < from + size; i++) {
    const token = table.order[i];
    if (token === peak) continue;
    const share = known.get(token);
    if (share === undefined) others.push(token);
    else left -= clean(share);
  }
  return { left: Math.max(0, left), others };
}

/** Class masses of a row; exact but for float32's rounding of the sums of blocks. */
export function summaryMasses(row: RowSummary, lift: ClassTable['lift'], eos: number, likeliest: boolean): ClassMasses {
  const table = tableOf(row, lift);
  const { classes, classStart, classTokens } = lift;
  const mass = new Float64Array(classes).fill(FLOOR);
  const best = new Float64Array(likeliest ? classes : 0).fill(FLOOR);
  const bestToken = new Int32Array(likeliest ? classes : 0);
  for (let k = 1; k < classes; k++) {
    const [from, to] = blocksOf(table, k);
    let sum = 0;
    for (let block = from; block < to; block++) sum += clean(row.sums[block]);
    if (sum > FLOOR) mass[k] = sum;
    if (!likeliest) continue;
    bestToken[k] = classTokens[classStart[k]];
    for (let block = from; block < to; block++) {
      const peak = clean(row.peaks[block]);
      if (peak <= best[k]) continue;
      best[k] = peak;
      bestToken[k] = table.order[block * BLOCK_TOKENS + row.peakPlaces[block]];
    }
  }
  return { mass, best, bestToken, end: Math.max(summaryShare(row, eos), FLOOR) };
}

/** A token of class k, by the rule above; `uniform` in (0, 1). */
export function drawFromSummary(row: RowSummary, k: number, uniform: number): number {
  const { table, sums, known } = row;
  const { classOf, classStart, classTokens } = table.lift;
  const [from, to] = blocksOf(table, k);
  let total = 0;
  for (let block = from; block < to; block++) total += clean(sums[block]);
  let left = uniform * total;
  let chosen = -1;
  const offered = new Float64Array(to - from); // of each block, in tokens by their own probability
  for (const [token, probability] of known) {
    const share = clean(probability);
    if (share === 0 || classOf[token] !== k) continue;
    chosen = token;
    left -= share;
    if (left <= 0) return chosen;
    offered[blockOf(table, k, chosen) - from] += share;
  }
  for (let block = from; block < to; block++) {
    const rest = clean(sums[block]) - offered[block - from];
    if (!(rest > 0)) continue;
    if (left <= rest) {
      const token = drawFromBlock(row, k, block, left, rest);
      if (token >= 0) return token;
    }
    left -= rest;
  }
  return chosen >= 0 ? chosen : classTokens[classStart[k] + Math.floor(uniform * (classStart[k + 1] - classStart[k]))];
}

function blockOf({ blockStart, lift: { classStart, classTokens } }: ClassTable, k: number, token: number): number {
  // Tokens of a class ascend.
  let [low, high] = [classStart[k], classStart[k + 1]];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (classTokens[middle] < token) low = middle + 1;
    else high = middle;
  }
  return blockStart[k] + Math.floor((low - classStart[k]) / BLOCK_TOKENS);
}

/** A token of a block beside those that are known; -1 where there is none. `at` is 0 .. `rest`, what the block has left without those. */
function drawFromBlock(row: RowSummary, k: number, block: number, at: number, rest: number): number {
  const { table, peaks, peakPlaces, known } = row;
  const peakToken = table.order[block * BLOCK_TOKENS + peakPlaces[block]];
  const peak = known.has(peakToken) ? 0 : clean(peaks[block]);
  if (at <= peak) return peakToken;
  const { others } = blockRest(row, k, block);
  if (others.length === 0) return peak > 0 ? peakToken : -1;
  const share = (at - peak) / Math.max(rest - peak, Number.MIN_VALUE);
  return others[Math.min(others.length - 1, Math.floor(share * others.length))];
}

/**
 * Adds class k, each token's weight times `ways`, to a meter. The entropy is exact. For the margin the tokens that count are known: the
 * likeliest of the row, and of each block the first; a second token of one block that is not among them is missed.
 */
export function meterSummary(row: RowSummary, k: number, ways: number, result: Meter): void {
  const { table, sums, peaks, peakPlaces, entropies, known } = row;
  const [from, to] = blocksOf(table, k);
  let mass = 0;
  let entropy = 0;
  let [first, second] = [0, 0];
  const offer = (p: number) => {
    if (p > first) [first, second] = [p, first];
    else if (p > second) second = p;
  };
  for (let block = from; block < to; block++) {
    mass += clean(sums[block]);
    entropy += entropies?.[block] ?? 0;
    if (!known.has(table.order[block * BLOCK_TOKENS + peakPlaces[block]])) offer(clean(peaks[block]));
  }
  for (const [token, p] of known) if (table.lift.classOf[token] === k) offer(clean(p));
  result.addMany({ total: mass, entropy, first, second }, ways);
}

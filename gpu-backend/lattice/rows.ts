/**
 * The rows that constraints read: whole ones, a probability for every token, or summaries of a device that keeps them.
 * The one place that knows both; whoever reads rows asks here.
 */
import { type ClassMasses, classMasses, clean, type TokenClasses } from './masses.ts';
import type { Meter } from './meter.ts';
import type { ProposalRows } from './proposal.ts';
import { drawFromSummary, meterSummary, type RowSummary, summaryMasses, summaryShare } from './summaries.ts';

/** Probability of a token at a row; 0 where it is no number. */
export function shareOf(rows: ProposalRows, row: number, token: number): number {
  const { summaries } = rows;
  return summaries === undefined
    ? clean(rows.probabilities[row * rows.vocabulary + token])
    : summaryShare(summaries[row], token);
}

/** The row folded onto the classes of a lift. */
export function massesOf(
  rows: ProposalRows,
  row: number,
  lift: TokenClasses,
  eos: number,
  likeliest: boolean,
): ClassMasses {
  const { summaries } = rows;
  return summaries === undefined
    ? classMasses(rows.probabilities, row * rows.vocabulary, lift, eos, likeliest)
    : summaryMasses(summaries[row], lift, eos, likeliest);
}

/** Adds all tokens of class k, each weight times `ways`, to a meter. */
export function meterClass(
  rows: ProposalRows,
  row: number,
  { classStart, classTokens }: TokenClasses,
  k: number,
  ways: number,
  result: Meter,
): void {
  if (rows.summaries !== undefined) {
    meterSummary(rows.summaries[row], k, ways, result);
    return;
  }
  const offset = row * rows.vocabulary;
  for (let i = classStart[k]; i < classStart[k + 1]; i++) {
    result.add(clean(rows.probabilities[offset + classTokens[i]]) * ways);
  }
}

export { drawFromSummary, type RowSummary };

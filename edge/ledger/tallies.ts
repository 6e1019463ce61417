/**
 * Tallies: what may be used of something until it ends, counted where a request begins, so that no two requests at once pass a limit
 * together. A request counts as one until it is released; of its money, what is held counts until it is known what it did cost.
 */
import { problem } from '../../shared/contract/problem.ts';
import type { Tally } from './protocol.ts';
import { first, type Sql } from './storage.ts';

/** What of a tally its request needs to know when it ends. */
export type Counted = Pick<Tally, 'id' | 'measure'>;

const USED = 'SELECT used FROM tally WHERE id = ?';
const COUNT = `INSERT INTO tally (id, used, ends) VALUES (?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET used = used + excluded.used`;
// Never below zero: one that was over and forgotten may have begun anew.
const RECOUNT = 'UPDATE tally SET used = MAX(0, used + ?) WHERE id = ?';
const SWEEP = 'DELETE FROM tally WHERE id IN (SELECT id FROM tally WHERE ends <= ? LIMIT ?)';

/** As a hold has it. */
export function writeCounted(tallies: readonly Counted[]): string {
  return JSON.stringify(tallies.map(({ id, measure }) => ({ id, measure })));
}

export function countedIn(text: string): readonly Counted[] {
  return JSON.parse(text) as Counted[];
}

/** @throws ProblemError the refusal of the first one that has not so much left */
export function checkTallies(sql: Sql, tallies: readonly Tally[], amount: number, now: number): void {
  for (const { id, measure, most, ends, refusal } of tallies) {
    const used = first<{ used: number }>(sql, USED, id)?.used ?? 0;
    if (used + (measure === 'requests' ? 1 : amount) <= most) continue;
    const retryAfter = refusal.waits ? Math.max(1, Math.ceil((ends - now) / 1000)) : undefined;
    throw problem(refusal.code, refusal.detail, { retryAfter });
  }
}

/** Counts a request that begins with so much held. */
export function countTallies(sql: Sql, tallies: readonly Tally[], amount: number): void {
  for (const { id, measure, ends } of tallies) sql.exec(COUNT, id, measure === 'requests' ? 1 : amount, ends);
}

/** Counts what changed of a request since. */
export function recount(
  sql: Sql,
  counted: readonly Counted[] | undefined,
  changes: { readonly requests: number; readonly amount: number },
): void {
  for (const { id, measure } of counted ?? []) {
    const by = measure === 'requests' ? changes.requests : changes.amount;
    if (by !== 0) sql.exec(RECOUNT, by, id);
  }
}

/** Forgets tallies that have ended. */
export function sweepTallies(sql: Sql, now: number, most: number): void {
  sql.exec(SWEEP, now, most);
}

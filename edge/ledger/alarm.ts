/** When a ledger wakes by itself: for holds whose time has passed, entries that wait, and what is to be forgotten. */
import { pending } from './outbox.ts';
import { first, type Sql } from './storage.ts';

/** Until entries are sent where the object did not live to do it by itself. */
export const OVERDUE_MS = 30_000;
/** Until entries that the queue did not take are sent again; doubled with each failure, up to the second. */
const AGAIN_MS = 1_000;
const LONGEST_MS = 60_000;

const NEXT = `SELECT MIN(at) AS at FROM (
  SELECT MIN(due) AS at FROM hold
  UNION ALL SELECT MIN(expires) FROM idempotency WHERE expires IS NOT NULL
  UNION ALL SELECT MIN(expires) FROM released
  UNION ALL SELECT MIN(ends) FROM tally)`;

/** The next time there is something to do, undefined where there is nothing. `failures`: of the queue, one after the other */
export function nextWake(sql: Sql, failures: number, now: number): number | undefined {
  const at = first<{ at: number | null }>(sql, NEXT)?.at ?? undefined;
  if (!pending(sql)) return at;
  const wait = failures === 0 ? OVERDUE_MS : Math.min(LONGEST_MS, AGAIN_MS * 2 ** (failures - 1));
  return at === undefined ? now + wait : Math.min(at, now + wait);
}

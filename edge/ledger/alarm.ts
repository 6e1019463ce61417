/** When a ledger wakes by itself: for holds whose time has passed, entries that wait, and what is to be forgotten. */
import { pending } from './outbox.ts';
import { first, type Sql } from './storage.ts';

/** Entries of so long go out together: soon enough for statements within a second, and seldom enough not to be felt by requests. */
export const DRAIN_MS = 50;
/** Until entries that the queue did not take are sent again; doubled with each failure, up to the second. */
const DRAIN_AGAIN_MS = 1_000;
const DRAIN_LONGEST_MS = 60_000;

const NEXT = `SELECT MIN(at) AS at FROM (
  SELECT MIN(due) AS at FROM hold
  UNION ALL SELECT MIN(expires) FROM idempotency WHERE expires IS NOT NULL
  UNION ALL SELECT MIN(expires) FROM released)`;

/** The next time there is something to do, undefined where there is nothing. `failures`: of the queue, one after the other */
export function nextWake(sql: Sql, failures: number, now: number): number | undefined {
  const at = first<{ at: number | null }>(sql, NEXT)?.at ?? undefined;
  if (!pending(sql)) return at;
  const drain = now + drainWait(failures);
  return at === undefined ? drain : Math.min(at, drain);
}

function drainWait(failures: number): number {
  return failures === 0 ? DRAIN_MS : Math.min(DRAIN_LONGEST_MS, DRAIN_AGAIN_MS * 2 ** (failures - 1));
}

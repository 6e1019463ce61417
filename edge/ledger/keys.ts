/** What the ledger knows of the account's keys: whether they may spend, how fast, and how much in a month. */
import { problem } from '../../shared/contract/problem.ts';
import type { KeyTerms } from './protocol.ts';
import type { Sql } from './storage.ts';

export interface Key extends KeyTerms {
  /** What it has spent this month, without what is held. */
  readonly spent: number;
}

/** A key as its table has it. */
export interface KeyRow {
  readonly id: string;
  readonly revoked: number;
  readonly expires: number | null;
  readonly per_minute: number;
  readonly monthly: number | null;
  readonly month: string;
  readonly spent: number;
}

const PUT = `INSERT INTO key (id, revoked, expires, per_minute, monthly) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET revoked = excluded.revoked, expires = excluded.expires,
    per_minute = excluded.per_minute, monthly = excluded.monthly`;
const SPEND = 'UPDATE key SET spent = ?2 + CASE WHEN month = ?3 THEN spent ELSE 0 END, month = ?3 WHERE id = ?1';

export function putKey(sql: Sql, { id, revoked, expires, perMinute, monthly }: KeyTerms): void {
  sql.exec(PUT, id, revoked ? 1 : 0, expires ?? null, perMinute, monthly ?? null);
}

export function keyIn(row: KeyRow, now: number): Key {
  return {
    id: row.id,
    revoked: row.revoked === 1,
    expires: row.expires ?? undefined,
    perMinute: row.per_minute,
    monthly: row.monthly ?? undefined,
    spent: row.month === monthOf(now) ? row.spent : 0,
  };
}

/** Counts what was charged to a key. A request counts in the month in which it is settled. */
export function spend(sql: Sql, id: string, amount: number, now: number): void {
  sql.exec(SPEND, id, amount, monthOf(now));
}

/** @throws ProblemError where the key may not be used */
export function checkKey(key: Key | undefined, now: number): asserts key is Key {
  if (key === undefined) throw problem('invalid_key', 'The account has no such key. What to do: use another one.');
  if (key.revoked) throw problem('key_revoked', 'The key was revoked. What to do: use another one.');
  if (key.expires !== undefined && key.expires <= now) {
    const when = new Date(key.expires).toISOString();
    throw problem('key_expired', `The key has expired at ${when}. What to do: make a new one.`);
  }
}

/** @throws ProblemError where the key's limit of this month does not allow so much more. `heldOfKey`: for its requests under way */
export function checkMonth({ monthly, spent }: Key, heldOfKey: number, amount: number): void {
  if (monthly === undefined || spent + heldOfKey + amount <= monthly) return;
  const left = Math.max(0, monthly - spent - heldOfKey);
  const said = `this may cost up to ${amount} micro-dollars, and ${left} of the key's ${monthly} of this month (UTC) are left`;
  throw problem('spend_limit_reached', `The limit of the key is reached: ${said}. What to do: raise the limit.`);
}

/** The calendar month, UTC: '2026-11'. */
function monthOf(now: number): string {
  return new Date(now).toISOString().slice(0, 7);
}

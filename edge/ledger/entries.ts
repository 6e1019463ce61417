/** Entries: the lines of the account. They are only ever added, numbered without gaps, each with the balance after it. */
import type { Entry } from './protocol.ts';
import { first, type Sql } from './storage.ts';

/** What an entry says, its number and balance left to the ledger. */
export type NewEntry = Omit<Entry, 'seq' | 'balance'>;

interface Row {
  readonly seq: number;
  readonly id: string;
  readonly kind: string;
  readonly amount: number;
  readonly balance: number;
  readonly at: number;
  readonly key: string | null;
  readonly model: string | null;
  readonly work: number | null;
  readonly texts: number | null;
  readonly preset: string | null;
}

const LAST = 'SELECT seq, balance FROM entry ORDER BY seq DESC LIMIT 1';
const BY_ID = 'SELECT amount FROM entry WHERE id = ?';
const AFTER = 'SELECT * FROM entry WHERE seq > ? ORDER BY seq LIMIT ?';
// It finds the last one by itself: a statement takes about 40 us however small it is (measured).
const ADD = `INSERT INTO entry (seq, id, kind, amount, balance, at, key, model, work, texts, preset)
  SELECT COALESCE(last.seq, 0) + 1, ?1, ?2, ?3, COALESCE(last.balance, 0) + ?3, ?4, ?5, ?6, ?7, ?8, ?9
  FROM (SELECT 1) LEFT JOIN (${LAST}) AS last
  RETURNING balance`;

/** The last number and the balance. */
export function last(sql: Sql): Pick<Entry, 'seq' | 'balance'> {
  return first<{ seq: number; balance: number }>(sql, LAST) ?? { seq: 0, balance: 0 };
}

/** @returns the balance after it */
export function append(sql: Sql, entry: NewEntry): number {
  const { id, kind, amount, at, key = null, model = null, work = null, texts = null, preset = null } = entry;
  return first<{ balance: number }>(sql, ADD, id, kind, amount, at, key, model, work, texts, preset)!.balance;
}

/** The amount of an entry by its id. */
export function amountOf(sql: Sql, id: string): number | undefined {
  return first<{ amount: number }>(sql, BY_ID, id)?.amount;
}

export function entriesAfter(sql: Sql, seq: number, most: number): Entry[] {
  return sql
    .exec<Row & Record<string, string | number | null>>(AFTER, seq, most)
    .toArray()
    .map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as unknown as Entry);
}

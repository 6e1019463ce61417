/** Holds: what open requests may cost at most, and when the ledger has to ask what became of them. */
import { first, type Sql } from './storage.ts';

export interface Hold {
  readonly request: string;
  /** Whose answer it waits for: its own job, or the one it joined. */
  readonly job: string;
  readonly joined: boolean;
  readonly key: string;
  readonly model: string;
  readonly amount: number;
  readonly price: { readonly computed: number; readonly cached: number };
  /** When to ask the service; Unix milliseconds. */
  readonly due: number;
  /** Since when no service could be asked. */
  readonly unreachable?: number;
  /** The Idempotency-Key it goes by, as its digest. */
  readonly idempotency?: string;
}

interface Row {
  readonly request: string;
  readonly job: string;
  readonly joined: number;
  readonly key: string;
  readonly model: string;
  readonly amount: number;
  readonly computed: number;
  readonly cached: number;
  readonly due: number;
  readonly unreachable: number | null;
  readonly idempotency: string | null;
}

/** The open holds, all together. */
export interface Held {
  readonly count: number;
  readonly amount: number;
  /** Of one key. */
  readonly ofKey: number;
}

const COLUMNS = 'request, job, joined, key, model, amount, computed, cached, due, unreachable, idempotency';
const BY_REQUEST = `SELECT ${COLUMNS} FROM hold WHERE request = ?`;
// The open ones are as many as may run at once: few, so nothing is kept beside them that could differ.
const ALL = `SELECT COUNT(*) AS count, COALESCE(SUM(amount), 0) AS amount,
  COALESCE(SUM(CASE WHEN key = ? THEN amount END), 0) AS ofKey FROM hold`;
const DUE = `SELECT ${COLUMNS} FROM hold WHERE due <= ? ORDER BY due LIMIT ?`;
const PUT = `INSERT OR REPLACE INTO hold (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const POSTPONE = 'UPDATE hold SET due = ?, unreachable = ? WHERE request = ?';

export function holdOf(sql: Sql, request: string): Hold | undefined {
  const row = first<Row>(sql, BY_REQUEST, request);
  return row === undefined ? undefined : holdIn(row);
}

export function held(sql: Sql, key = ''): Held {
  return first<{ count: number; amount: number; ofKey: number }>(sql, ALL, key)!;
}

/** Those whose time has passed, the longest due first. */
export function dueHolds(sql: Sql, now: number, most: number): Hold[] {
  return sql.exec<Row & Record<string, string | number | null>>(DUE, now, most).toArray().map(holdIn);
}

/** Adds a hold, or puts it in the place of the one its request had. */
export function putHold(sql: Sql, hold: Hold): void {
  const { request, job, joined, key, model, amount, price, due, unreachable = null, idempotency = null } = hold;
  const { computed, cached } = price;
  sql.exec(PUT, request, job, joined ? 1 : 0, key, model, amount, computed, cached, due, unreachable, idempotency);
}

export function postpone(sql: Sql, request: string, due: number, unreachable?: number): void {
  sql.exec(POSTPONE, due, unreachable ?? null, request);
}

export function dropHold(sql: Sql, request: string): void {
  sql.exec('DELETE FROM hold WHERE request = ?', request);
}

function holdIn({ joined, computed, cached, unreachable, idempotency, ...row }: Row): Hold {
  return {
    ...row,
    joined: joined === 1,
    price: { computed, cached },
    unreachable: unreachable ?? undefined,
    idempotency: idempotency ?? undefined,
  };
}

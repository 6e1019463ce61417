/** Holds: what open requests may cost at most, and when the ledger has to ask what became of them. */
import { first, type Sql } from './storage.ts';
import { type Counted, countedIn, writeCounted } from './tallies.ts';

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
  /** Id of the preset that is run. */
  readonly preset?: string;
  /** What it counts towards. */
  readonly tallies?: readonly Counted[];
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
  readonly preset: string | null;
  readonly tallies: string | null;
}

const COLUMNS =
  'request, job, joined, key, model, amount, computed, cached, due, unreachable, idempotency, preset, tallies';
const BY_REQUEST = `SELECT ${COLUMNS} FROM hold WHERE request = ?`;
const TAKE = `DELETE FROM hold WHERE request = ? RETURNING ${COLUMNS}`;
const HELD = 'SELECT COALESCE(SUM(amount), 0) AS amount FROM hold';
const DUE = `SELECT ${COLUMNS} FROM hold WHERE due <= ? ORDER BY due LIMIT ?`;
const PUT = `INSERT OR REPLACE INTO hold (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const POSTPONE = 'UPDATE hold SET due = ?, unreachable = ? WHERE request = ?';

export function holdOf(sql: Sql, request: string): Hold | undefined {
  const row = first<Row>(sql, BY_REQUEST, request);
  return row === undefined ? undefined : holdIn(row);
}

/** What all open requests may cost. They are as many as may run at once: few, so no sum is kept that could differ. */
export function heldIn(sql: Sql): number {
  return first<{ amount: number }>(sql, HELD)!.amount;
}

/** Those whose time has passed, the longest due first. */
export function dueHolds(sql: Sql, now: number, most: number): Hold[] {
  return sql.exec<Row & Record<string, string | number | null>>(DUE, now, most).toArray().map(holdIn);
}

/** Adds a hold, or puts it in the place of the one its request had. */
export function putHold(sql: Sql, hold: Hold): void {
  const { request, job, joined, key, model, amount, price, due, unreachable = null, idempotency = null } = hold;
  const { computed, cached } = price;
  const { preset = null, tallies = [] } = hold;
  const counted = tallies.length === 0 ? null : writeCounted(tallies);
  const asked = [request, job, joined ? 1 : 0, key, model, amount, computed, cached];
  sql.exec(PUT, ...asked, due, unreachable, idempotency, preset, counted);
}

/** @returns how many holds that are open it found: one or none */
export function postpone(sql: Sql, request: string, due: number, unreachable?: number): number {
  return sql.exec(POSTPONE, due, unreachable ?? null, request).rowsWritten;
}

/** Ends the hold of a request. @returns what it was; undefined where there is none */
export function takeHold(sql: Sql, request: string): Hold | undefined {
  const row = first<Row>(sql, TAKE, request);
  return row === undefined ? undefined : holdIn(row);
}

function holdIn({ joined, computed, cached, unreachable, idempotency, preset, tallies, ...row }: Row): Hold {
  return {
    ...row,
    joined: joined === 1,
    price: { computed, cached },
    unreachable: unreachable ?? undefined,
    idempotency: idempotency ?? undefined,
    preset: preset ?? undefined,
    tallies: tallies === null ? undefined : countedIn(tallies),
  };
}

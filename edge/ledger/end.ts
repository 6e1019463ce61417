/** How a request ends: settled or released, whichever comes first, and only once. */
import { log } from '../log.ts';
import type { Books } from './books.ts';
import { amountOf, append, last } from './entries.ts';
import { dropHold, type Hold, holdOf, postpone } from './holds.ts';
import { finish } from './idempotency.ts';
import { spend } from './keys.ts';
import type { Settled, Settlement } from './protocol.ts';
import { first, type Sql } from './storage.ts';

/** For so long who says again what became of a request is answered as the first time. */
const RELEASED_KEPT_MS = 24 * 3_600_000;

const RELEASED = 'SELECT 1 AS yes FROM released WHERE request = ?';
const RELEASE = 'INSERT INTO released (request, expires) VALUES (?, ?)';
const SWEEP = 'DELETE FROM released WHERE request IN (SELECT request FROM released WHERE expires <= ? LIMIT ?)';

/** What a request that has ended was charged; undefined where it is open or never was. */
export function ended(sql: Sql, request: string): number | undefined {
  const amount = amountOf(sql, request);
  if (amount !== undefined) return 0 - amount;
  return first(sql, RELEASED, request) === undefined ? undefined : 0;
}

/** Charges a request. @throws Error where it never began: no request may run without */
export function settle(books: Books, request: string, settlement: Settlement, now: number): Settled {
  const { sql } = books.storage;
  const hold = openOrEnded(sql, request);
  if (typeof hold === 'number') return { charged: hold, balance: last(sql).balance };
  const charged = chargeable(hold, settlement.amount);
  const { origin: kind, work, texts, answer } = settlement;
  const { key, model, idempotency } = hold;
  const balance = books.storage.transactionSync(() => {
    dropHold(sql, request);
    spend(sql, key, charged, now);
    if (idempotency !== undefined) finish(sql, idempotency, answer, now);
    return append(sql, { id: request, kind, amount: 0 - charged, at: now, key, model, work, texts });
  });
  books.flights.end(request);
  return { charged, balance };
}

/** It costs nothing. Nothing happens where it has ended already. @throws Error where it never began */
export function release(books: Books, request: string, now: number): void {
  const { sql } = books.storage;
  const hold = openOrEnded(sql, request);
  if (typeof hold === 'number') return;
  books.storage.transactionSync(() => {
    dropHold(sql, request);
    if (hold.idempotency !== undefined) finish(sql, hold.idempotency, undefined, now);
    sql.exec(RELEASE, request, now + RELEASED_KEPT_MS);
  });
  books.flights.end(request);
}

/** Its reader is gone: sets when to ask what ran. Nothing happens where it has ended already. @throws Error where it never began */
export function leave(books: Books, request: string, due: number): void {
  const { sql } = books.storage;
  const hold = openOrEnded(sql, request);
  if (typeof hold === 'number') return;
  postpone(sql, request, due);
  books.flights.end(request);
}

/** Forgets released requests of which nobody will speak any more. */
export function sweepReleased(sql: Sql, now: number, most: number): void {
  sql.exec(SWEEP, now, most);
}

function openOrEnded(sql: Sql, request: string): Hold | number {
  const found = holdOf(sql, request) ?? ended(sql, request);
  if (found === undefined) throw new Error(`The request ${request} never began.`);
  return found;
}

/** What may be charged of an amount: no more than is held, or the balance could fall below zero. */
function chargeable({ request, amount: held }: Hold, amount: number): number {
  if (!Number.isSafeInteger(amount) || amount < 0) throw new Error(`${amount} is no amount, of ${request}.`);
  if (amount <= held) return amount;
  log('error', 'a request cost more than was held for it', { request, amount, held });
  return held;
}

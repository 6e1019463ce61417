/** How a request ends: settled or released, whichever comes first, and only once. */
import { log } from '../watching/log.ts';
import type { Books } from './books.ts';
import { amountOf, append, last } from './entries.ts';
import { type Hold, postpone, takeHold } from './holds.ts';
import { finish } from './idempotency.ts';
import { spend } from './keys.ts';
import type { Settled, Settlement } from './protocol.ts';
import { first, type Sql } from './storage.ts';
import { recount } from './tallies.ts';

/** For so long who says again what became of a request is answered as the first time. */
const RELEASED_KEPT_MS = 24 * 3_600_000;

const RELEASED = 'SELECT 1 AS yes FROM released WHERE request = ?';
const RELEASE = 'INSERT INTO released (request, expires) VALUES (?, ?)';
const SWEEP = 'DELETE FROM released WHERE request IN (SELECT request FROM released WHERE expires <= ? LIMIT ?)';

/** Charges a request. @throws Error where it never began: no request may run without */
export function settle(books: Books, request: string, settlement: Settlement, now: number): Settled {
  const { sql } = books.storage;
  const settled = books.storage.transactionSync(() => {
    const hold = takeHold(sql, request);
    return hold && charge(sql, hold, settlement, now);
  });
  books.flights.end(request);
  return settled ?? { charged: chargedBefore(sql, request), balance: last(sql).balance };
}

function charge(sql: Sql, hold: Hold, settlement: Settlement, now: number): Settled {
  const { origin: kind, work, texts, answer } = settlement;
  const { request: id, key, model, idempotency, preset } = hold;
  const charged = chargeable(hold, settlement.amount);
  spend(sql, key, charged, now);
  recount(sql, hold.tallies, { requests: 0, amount: charged - hold.amount });
  if (idempotency !== undefined) finish(sql, idempotency, answer, now);
  return { charged, balance: append(sql, { id, kind, amount: 0 - charged, at: now, key, model, work, texts, preset }) };
}

/** It costs nothing. Nothing happens where it has ended already. @throws Error where it never began */
export function release(books: Books, request: string, now: number): void {
  const { sql } = books.storage;
  const released = books.storage.transactionSync(() => {
    const hold = takeHold(sql, request);
    if (hold === undefined) return false;
    if (hold.idempotency !== undefined) finish(sql, hold.idempotency, undefined, now);
    recount(sql, hold.tallies, { requests: -1, amount: 0 - hold.amount });
    sql.exec(RELEASE, request, now + RELEASED_KEPT_MS);
    return true;
  });
  books.flights.end(request);
  if (!released) chargedBefore(sql, request);
}

/** Its reader is gone: sets when to ask what ran. Nothing happens where it has ended already. @throws Error where it never began */
export function leave(books: Books, request: string, due: number): void {
  const { sql } = books.storage;
  if (postpone(sql, request, due) === 0) chargedBefore(sql, request);
  books.flights.end(request);
}

/** Forgets released requests of which nobody will speak any more. */
export function sweepReleased(sql: Sql, now: number, most: number): void {
  sql.exec(SWEEP, now, most);
}

/** What a request that has ended was charged. @throws Error where it never began */
function chargedBefore(sql: Sql, request: string): number {
  const amount = amountOf(sql, request);
  if (amount !== undefined) return 0 - amount;
  if (first(sql, RELEASED, request) !== undefined) return 0;
  throw new Error(`The request ${request} never began.`);
}

/** What may be charged of an amount: no more than is held, or the balance could fall below zero. */
function chargeable({ request, amount: held }: Hold, amount: number): number {
  if (!Number.isSafeInteger(amount) || amount < 0) throw new Error(`${amount} is no amount, of ${request}.`);
  if (amount <= held) return amount;
  log('error', 'a request cost more than was held for it', { request, amount, held });
  return held;
}

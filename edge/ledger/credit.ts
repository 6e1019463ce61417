/** Money from outside: top-ups, grants, refunds, each once. */
import { log } from '../watching/log.ts';
import type { Books } from './books.ts';
import { amountOf, append, last } from './entries.ts';
import { heldIn } from './holds.ts';
import { accountOf } from './outbox.ts';
import type { Credited, CreditKind } from './protocol.ts';

/** Adds money, or takes it where the amount is negative: no more than is available, and what is missing is logged. */
export function credit(books: Books, id: string, kind: CreditKind, amount: number, now: number): Credited {
  const { sql } = books.storage;
  if (accountOf(sql) === undefined) throw new Error('The ledger was never opened.');
  if (!Number.isSafeInteger(amount)) throw new Error(`${amount} is no amount, of ${id}.`);
  const open = heldIn(sql);
  const before = amountOf(sql, id);
  if (before !== undefined) return { balance: last(sql).balance, held: open, credited: before };
  const available = last(sql).balance - open;
  const credited = Math.max(amount, 0 - available);
  if (credited !== amount) log('error', 'money to be taken is not there', { id, kind, amount, available });
  return { balance: append(sql, { id, kind, amount: credited, at: now }), held: open, credited };
}

/** A request whose answer was there already: it begins and ends in one transaction. */
import { begin } from './begin.ts';
import type { Books } from './books.ts';
import { settle } from './end.ts';
import { amountOf } from './entries.ts';
import type { Begin, Begun, Settlement } from './protocol.ts';

/** Charges it, or says why not; for one that was charged already nothing happens. It never joins another one. */
export function have(books: Books, asked: Begin, settlement: Settlement, now: number): Begun {
  return books.storage.transactionSync(() => {
    const begun = begin(books, { ...asked, flight: undefined }, now);
    if (begun.type === 'held') {
      settle(books, asked.request, settlement, now);
      return { ...begun, type: 'had' };
    }
    // Who heard no answer asks again.
    const said = begun.type === 'refused' && begun.problem.code === 'duplicate_id';
    return said && amountOf(books.storage.sql, asked.request) !== undefined ? { type: 'had', rate: begun.rate } : begun;
  });
}

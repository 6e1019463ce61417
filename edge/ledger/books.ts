/** What all parts of one ledger work on. Money is in the storage alone; what is in memory may be lost at any time. */
import { Flights } from './flights.ts';
import { Rates } from './rates.ts';
import { createTables } from './schema.ts';
import type { LedgerStorage } from './storage.ts';

export interface Books {
  readonly storage: LedgerStorage;
  readonly rates: Rates;
  readonly flights: Flights;
}

/** The books in a storage; an empty one gets its tables. */
export function openBooks(storage: LedgerStorage): Books {
  createTables(storage.sql);
  return { storage, rates: new Rates(), flights: new Flights() };
}

/** Ledgers of accounts that nobody else has, for tests: in workerd, with a real Durable Object behind each. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { type Books, openBooks } from '../../../edge/ledger/books.ts';
import { ledgerOf } from '../../../edge/ledger/ledger-of.ts';
import type { Begin, KeyTerms, LedgerApi, Settlement } from '../../../edge/ledger/protocol.ts';

export const KEY = 'key_of_this_test';

export const terms: KeyTerms = { id: KEY, revoked: false, perMinute: 1_000 };

let requests = 0;

/** A request that may cost 100, with an id of its own. */
export function asks(changes: Partial<Begin> = {}): Begin {
  const id = String(requests++).padStart(24, '0');
  return {
    request: `req_${id}`,
    job: `gen_${id}`,
    key: KEY,
    model: 'small',
    most: 100,
    price: { computed: 1_000_000, cached: 5 },
    holdMs: 60_000,
    ...changes,
  };
}

export function costs(amount: number, changes: Partial<Settlement> = {}): Settlement {
  return { origin: 'computed', amount, work: amount, texts: 1, ...changes };
}

/** A new account with so much money and one key. */
export async function account(money = 1_000, key: Partial<KeyTerms> = {}): Promise<LedgerApi> {
  const name = `acc_${crypto.randomUUID()}`;
  const ledger = ledgerOf(env, name, 'test');
  await ledger.open(name, 'test');
  await ledger.putKey({ ...terms, ...key });
  if (money > 0) await ledger.credit('grant_of_this_test', 'grant', money);
  return ledger;
}

/** Runs a function on the books of a new account, inside its Durable Object: for what depends on the time, which is given there. */
export async function books<R>(money: number, run: (books: Books) => R | Promise<R>): Promise<R> {
  return runInDurableObject(await account(money), (_ledger, { storage }) => run(openBooks(storage)));
}

import { describe, expect, it } from 'vitest';
import { begin, CONCURRENT } from '../../../edge/ledger/begin.ts';
import { settle } from '../../../edge/ledger/end.ts';
import { putKey } from '../../../edge/ledger/keys.ts';
import type { Begun } from '../../../edge/ledger/protocol.ts';
import { account, asks, books, costs, KEY, terms } from './account.ts';

const refused = (code: string, rest: object = {}) => ({ type: 'refused', problem: { code, ...rest } });
const types = (begun: readonly Begun[]) => begun.map(({ type }) => type);

describe('a key', () => {
  it('that the account does not have is refused', async () => {
    const ledger = await account();
    expect(await ledger.begin(asks({ key: 'key_of_others' }))).toMatchObject(refused('invalid_key'));
  });

  it('is refused from the moment in which it is revoked', async () => {
    const ledger = await account();
    const asked = asks();
    expect(await ledger.begin(asked)).toMatchObject({ type: 'held' });
    await ledger.putKey({ ...terms, revoked: true });
    expect(await ledger.begin(asks())).toMatchObject(refused('key_revoked'));
    // What began before is paid for.
    expect(await ledger.settle(asked.request, costs(10))).toEqual({ charged: 10, balance: 990 });
  });

  it('is refused from the moment in which it expires', () =>
    books(1_000, (books) => {
      putKey(books.storage.sql, { ...terms, expires: 5_000 });
      expect(begin(books, asks(), 4_999)).toMatchObject({ type: 'held' });
      expect(begin(books, asks(), 5_000)).toMatchObject(refused('key_expired'));
    }));

  it('is told how many requests its bucket has left, and when to ask again', async () => {
    const ledger = await account(1_000, { perMinute: 2 });
    expect(await ledger.begin(asks())).toMatchObject({ type: 'held', rate: { limit: 2, window: 60, remaining: 1 } });
    expect(await ledger.begin(asks())).toMatchObject({ type: 'held', rate: { remaining: 0 } });
    const third = await ledger.begin(asks());
    expect(third).toMatchObject({ ...refused('rate_limited'), rate: { limit: 2, remaining: 0 } });
    expect(third.type === 'refused' && third.problem.retryAfter).toBeGreaterThan(28);
    expect(third.type === 'refused' && third.problem.retryAfter).toBeLessThan(31);
  });

  it('that begins a request again takes no second token', async () => {
    const ledger = await account(1_000, { perMinute: 2 });
    const asked = asks();
    for (let i = 0; i < 2; i++) expect(await ledger.begin(asked)).toMatchObject({ rate: { remaining: 1 } });
  });
});

describe('the monthly limit of a key', () => {
  const OCTOBER = Date.UTC(2026, 9, 31, 23, 59, 59);
  const NOVEMBER = Date.UTC(2026, 10, 1);

  it('counts what was charged and what is held, of this key alone', () =>
    books(1_000, (books) => {
      putKey(books.storage.sql, { ...terms, monthly: 250 });
      putKey(books.storage.sql, { ...terms, id: 'key_other' });
      const [first, second] = [asks(), asks()];
      begin(books, first, OCTOBER);
      settle(books, first.request, costs(70), OCTOBER);
      begin(books, asks({ key: 'key_other', most: 500 }), OCTOBER);
      expect(begin(books, second, OCTOBER)).toMatchObject({ type: 'held' });
      expect(begin(books, asks({ most: 81 }), OCTOBER)).toMatchObject(refused('spend_limit_reached'));
      expect(begin(books, asks({ most: 80 }), OCTOBER)).toMatchObject({ type: 'held' });
    }));

  it('is of a calendar month, UTC; a request counts in the month in which it is settled', () =>
    books(1_000, (books) => {
      putKey(books.storage.sql, { ...terms, monthly: 100 });
      const [october, november] = [asks(), asks()];
      begin(books, october, OCTOBER);
      settle(books, october.request, costs(100), OCTOBER);
      expect(begin(books, asks({ most: 1 }), OCTOBER)).toMatchObject(refused('spend_limit_reached'));
      expect(begin(books, november, NOVEMBER)).toMatchObject({ type: 'held' });
      settle(books, november.request, costs(60), NOVEMBER);
      expect(begin(books, asks({ most: 41 }), NOVEMBER)).toMatchObject(refused('spend_limit_reached'));
      expect(begin(books, asks({ most: 40 }), NOVEMBER)).toMatchObject({ type: 'held' });
    }));

  it('stays counted when the terms of the key change', () =>
    books(1_000, (books) => {
      const asked = asks();
      begin(books, asked, NOVEMBER);
      settle(books, asked.request, costs(100), NOVEMBER);
      putKey(books.storage.sql, { ...terms, monthly: 100 });
      expect(begin(books, asks({ most: 1 }), NOVEMBER)).toMatchObject(refused('spend_limit_reached'));
    }));
});

describe('the requests of an account', () => {
  it('are so many at once at most, over all its keys', async () => {
    const ledger = await account(100_000);
    await ledger.putKey({ ...terms, id: 'key_other' });
    const requests = Array.from({ length: CONCURRENT }, (_, i) => asks({ key: i % 2 === 0 ? KEY : 'key_other' }));
    const begun = await Promise.all(requests.map((asked) => ledger.begin(asked)));
    expect(new Set(types(begun))).toEqual(new Set(['held']));
    expect(await ledger.begin(asks())).toMatchObject(refused('too_many_concurrent', { retryAfter: 1 }));
    await ledger.settle(requests[0].request, costs(1));
    expect(await ledger.begin(asks())).toMatchObject({ type: 'held' });
  });
});

import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import type { LedgerApi } from '../../../edge/ledger/protocol.ts';
import { account, asks, costs } from './account.ts';

describe('a request', () => {
  it('holds the most it may cost and is charged what it did cost', async () => {
    const ledger = await account(1_000);
    const asked = asks({ most: 300 });
    expect(await ledger.begin(asked)).toMatchObject({ type: 'held' });
    expect(await ledger.balance()).toEqual({ balance: 1_000, held: 300 });
    expect(await ledger.settle(asked.request, costs(120))).toEqual({ charged: 120, balance: 880 });
    expect(await ledger.balance()).toEqual({ balance: 880, held: 0 });
  });

  it('costs nothing when it is released', async () => {
    const ledger = await account(1_000);
    const asked = asks();
    await ledger.begin(asked);
    await ledger.release(asked.request);
    expect(await ledger.balance()).toEqual({ balance: 1_000, held: 0 });
  });

  it('is refused before more is held than there is, and told what is missing', async () => {
    const ledger = await account(250);
    expect(await ledger.begin(asks({ most: 150 }))).toMatchObject({ type: 'held' });
    const refused = await ledger.begin(asks({ most: 150 }));
    expect(refused).toMatchObject({ type: 'refused', problem: { code: 'insufficient_credits' } });
    expect(refused.type === 'refused' && refused.problem.detail).toContain('50 are missing');
    expect(await ledger.begin(asks({ most: 100 }))).toMatchObject({ type: 'held' });
  });

  it('is charged once, whatever is said of it again', async () => {
    const ledger = await account(1_000);
    const [settled, released] = [asks(), asks()];
    for (const asked of [settled, released]) await ledger.begin(asked);
    await ledger.settle(settled.request, costs(40));
    await ledger.release(settled.request);
    await ledger.leave(settled.request, 0);
    expect(await ledger.settle(settled.request, costs(70))).toEqual({ charged: 40, balance: 960 });
    await ledger.release(released.request);
    expect(await ledger.settle(released.request, costs(70))).toEqual({ charged: 0, balance: 960 });
    expect(await ledger.balance()).toEqual({ balance: 960, held: 0 });
  });

  it('never costs more than is held', async () => {
    const ledger = await account(100);
    const asked = asks({ most: 100 });
    await ledger.begin(asked);
    expect(await ledger.settle(asked.request, costs(101))).toEqual({ charged: 100, balance: 0 });
  });

  it('that never began cannot end', async () => {
    // Inside the object: a call from outside that fails would count as an unhandled rejection of the object as well.
    await runInDurableObject<LedgerApi, void>(await account(), async (ledger) => {
      await expect(ledger.settle('req_never', costs(1))).rejects.toThrow('never began');
      await expect(ledger.release('req_never')).rejects.toThrow('never began');
      await expect(ledger.leave('req_never', 1)).rejects.toThrow('never began');
    });
  });

  it('that begins twice is held once, and not again after it ended', async () => {
    const ledger = await account(100);
    const asked = asks({ most: 100 });
    for (let i = 0; i < 2; i++) expect(await ledger.begin(asked)).toMatchObject({ type: 'held' });
    expect(await ledger.balance()).toEqual({ balance: 100, held: 100 });
    await ledger.settle(asked.request, costs(0));
    expect(await ledger.begin(asked)).toMatchObject({ type: 'refused', problem: { code: 'duplicate_id' } });
  });

  it('outlives the object', async () => {
    const ledger = await account(1_000);
    const asked = asks({ most: 300 });
    await ledger.begin(asked);
    await evictDurableObject(ledger);
    expect(await ledger.balance()).toEqual({ balance: 1_000, held: 300 });
    await ledger.settle(asked.request, costs(1));
    await evictDurableObject(ledger);
    expect(await ledger.settle(asked.request, costs(300))).toEqual({ charged: 1, balance: 999 });
  });
});

describe('money from outside', () => {
  it('comes once for each id', async () => {
    const ledger = await account(0);
    for (let i = 0; i < 2; i++) {
      expect(await ledger.credit('evt_1', 'top_up', 500)).toEqual({ balance: 500, held: 0, credited: 500 });
    }
    expect(await ledger.credit('evt_2', 'top_up', 500)).toEqual({ balance: 1_000, held: 0, credited: 500 });
  });

  it('is taken as far as it is there and not held', async () => {
    const ledger = await account(500);
    await ledger.begin(asks({ most: 300 }));
    expect(await ledger.credit('evt_1', 'refund', -450)).toEqual({ balance: 300, held: 300, credited: -200 });
  });
});

describe('the entries', () => {
  it('are numbered, say what was paid for and add up to the balance', async () => {
    const ledger = await account(1_000);
    const asked = asks();
    await ledger.begin(asked);
    await ledger.settle(asked.request, costs(40, { work: 160, texts: 2 }));
    const entries = await ledger.entries(0, 10);
    expect(entries).toMatchObject([
      { seq: 1, id: 'grant_of_this_test', kind: 'grant', amount: 1_000, balance: 1_000 },
      {
        seq: 2,
        id: asked.request,
        kind: 'computed',
        amount: -40,
        balance: 960,
        key: asked.key,
        model: 'small',
        work: 160,
        texts: 2,
      },
    ]);
    expect(await ledger.entries(1, 10)).toEqual(entries.slice(1));
    expect(await ledger.entries(0, 1)).toEqual(entries.slice(0, 1));
  });
});

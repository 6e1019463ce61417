import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { account, asks, costs } from './account.ts';

const same = { flight: 'cache key' };

describe('a request identical to one under way', () => {
  it('joins it for the price of a cached answer', async () => {
    const ledger = await account(105);
    const [first, second] = [asks(same), asks(same)];
    expect(await ledger.begin(first)).toMatchObject({ type: 'held' });
    expect(await ledger.begin(second)).toMatchObject({ type: 'joined', job: first.job });
    expect(await ledger.balance()).toEqual({ balance: 105, held: 105 });
    await ledger.settle(first.request, costs(80));
    expect(await ledger.settle(second.request, { origin: 'joined', amount: 5, work: 0, texts: 1 })).toEqual({
      charged: 5,
      balance: 20,
    });
    expect(await ledger.entries(2, 1)).toMatchObject([{ kind: 'joined', amount: -5, id: second.request }]);
  });

  it.each(['settle', 'release', 'leave'] as const)('runs by itself after that one came to a %s', async (end) => {
    const ledger = await account(1_000);
    const first = asks(same);
    await ledger.begin(first);
    if (end === 'settle') await ledger.settle(first.request, costs(1));
    if (end === 'release') await ledger.release(first.request);
    if (end === 'leave') await ledger.leave(first.request, 60_000);
    expect(await ledger.begin(asks(same))).toMatchObject({ type: 'held' });
  });

  it('does not join one that was refused, nor one that does not want to be joined', async () => {
    const ledger = await account(100);
    expect(await ledger.begin(asks({ ...same, most: 101 }))).toMatchObject({ type: 'refused' });
    expect(await ledger.begin(asks({ most: 20 }))).toMatchObject({ type: 'held' });
    expect(await ledger.begin(asks({ ...same, most: 20 }))).toMatchObject({ type: 'held' });
  });

  it('begins again without joining where the other came to nothing, and holds its own most then', async () => {
    const ledger = await account(1_000, { perMinute: 2 });
    const idempotency = { key: 'k', fingerprint: 'f' };
    const [first, second] = [asks(same), asks({ ...same, idempotency })];
    await ledger.begin(first);
    await ledger.begin(second);
    await ledger.release(first.request);
    // The second is told what it was told; the bucket, empty now, is not asked again.
    expect(await ledger.begin(second)).toMatchObject({ type: 'joined', job: first.job });
    expect(await ledger.begin({ ...second, flight: undefined })).toMatchObject({ type: 'held' });
    expect(await ledger.balance()).toEqual({ balance: 1_000, held: 100 });
    expect(await ledger.settle(second.request, costs(100, { answer: { made: 1, events: [] } }))).toMatchObject({
      charged: 100,
    });
    await ledger.putKey({ id: 'key_other', revoked: false, perMinute: 1 });
    expect(await ledger.begin(asks({ key: 'key_other', idempotency }))).toMatchObject({ type: 'replayed' });
  });

  it('is refused where the balance does not cover running by itself, and stays joined', async () => {
    const ledger = await account(110);
    const [first, second] = [asks(same), asks(same)];
    await ledger.begin(first);
    await ledger.begin(second);
    const refused = await ledger.begin({ ...second, flight: undefined });
    expect(refused).toMatchObject({ type: 'refused', problem: { code: 'insufficient_credits' } });
    expect(await ledger.balance()).toEqual({ balance: 110, held: 105 });
  });

  it('runs by itself where the object has forgotten the other: dearer, and right', async () => {
    const ledger = await account(1_000);
    await ledger.begin(asks(same));
    await evictDurableObject(ledger);
    expect(await ledger.begin(asks(same))).toMatchObject({ type: 'held' });
  });
});

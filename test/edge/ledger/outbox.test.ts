import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { nextWake, OVERDUE_MS } from '../../../edge/ledger/alarm.ts';
import { append } from '../../../edge/ledger/entries.ts';
import { Outbox, pending, type SendBatch } from '../../../edge/ledger/outbox.ts';
import type { Exported, LedgerApi } from '../../../edge/ledger/protocol.ts';
import { account, asks, books, costs } from './account.ts';

/** A queue that keeps what it takes. */
function queue() {
  const state = { down: false };
  const taken: Exported[][] = [];
  const sendBatch: SendBatch = async (messages) => {
    if (state.down) throw new Error('the queue is down');
    taken.push(messages.map(({ body }) => body));
  };
  return { state, taken, sendBatch };
}

describe('entries', () => {
  it('go to the queue within a second of the request, with whose they are, and once', async () => {
    const ledger = await account(1_000);
    const { taken, sendBatch } = queue();
    const requests = [asks(), asks(), asks()];
    await runInDurableObject<LedgerApi, void>(ledger, async (instance, { storage }) => {
      const { env } = instance as unknown as { env: object };
      Object.assign(instance, { env: { ...env, ENTRIES: { sendBatch } } });
      for (const asked of requests) await instance.begin(asked);
      for (const { request } of requests) await instance.settle(request, costs(10));
      await expect.poll(() => pending(storage.sql), { timeout: 1_000 }).toBe(false);
    });
    const sent = taken.flat();
    expect(sent.filter(({ kind }) => kind === 'computed').map(({ id }) => id)).toEqual(requests.map((r) => r.request));
    const [{ account: owner }] = sent;
    expect(sent.map(({ account, mode, ...entry }) => entry)).toEqual(await ledger.entries(sent[0].seq - 1, 10));
    expect(new Set(sent.map(({ account, mode }) => `${account} ${mode}`))).toEqual(new Set([`${owner} test`]));
  });

  it('go in batches that the queue can take', () =>
    books(1_000, async ({ storage: { sql } }) => {
      for (let i = 0; i < 249; i++) append(sql, { id: `evt_${i}`, kind: 'top_up', amount: 1, at: 0 });
      const { taken, sendBatch } = queue();
      await new Outbox(sql, sendBatch).send();
      expect(taken.map((batch) => batch.length)).toEqual([100, 100, 50]);
      expect(taken.flat().map(({ seq }) => seq)).toEqual(Array.from({ length: 250 }, (_, i) => i + 1));
    }));

  it('wait where the queue does not take them, and go later; those it took do not go again', () =>
    books(1_000, async ({ storage: { sql } }) => {
      const { state, taken, sendBatch } = queue();
      const outbox = new Outbox(sql, sendBatch);
      await outbox.send();
      append(sql, { id: 'evt_1', kind: 'top_up', amount: 1, at: 0 });
      state.down = true;
      for (let failures = 1; failures <= 8; failures++) {
        await outbox.send();
        expect(outbox.failures).toBe(failures);
        expect(nextWake(sql, outbox.failures, 0)).toBe(Math.min(60_000, 1_000 * 2 ** (failures - 1)));
      }
      state.down = false;
      await outbox.send();
      expect(taken.map((batch) => batch.map(({ seq }) => seq))).toEqual([[1], [2]]);
      expect(nextWake(sql, outbox.failures, 0)).toBeUndefined();
    }));

  it('that come while others are on their way go as well', () =>
    books(1_000, async ({ storage: { sql } }) => {
      const { taken, sendBatch } = queue();
      const outbox = new Outbox(sql, async (messages) => {
        if (taken.length === 0) append(sql, { id: 'evt_1', kind: 'top_up', amount: 1, at: 0 });
        await sendBatch(messages);
      });
      await Promise.all([outbox.send(), outbox.send()]);
      expect(taken.map((batch) => batch.map(({ seq }) => seq))).toEqual([[1], [2]]);
    }));

  it('of an object that died before they went are found by its alarm', async () => {
    const ledger = await account(1_000);
    await evictDurableObject(ledger);
    await runInDurableObject(ledger, async (_instance, { storage }) => {
      expect(await storage.getAlarm()).toBeLessThanOrEqual(Date.now() + OVERDUE_MS);
    });
  });
});

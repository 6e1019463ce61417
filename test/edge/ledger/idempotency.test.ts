import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { begin } from '../../../edge/ledger/begin.ts';
import { settle } from '../../../edge/ledger/end.ts';
import { ANSWER_MOST, sweepAnswers } from '../../../edge/ledger/idempotency.ts';
import type { KeptAnswer } from '../../../edge/ledger/protocol.ts';
import { account, asks, books, costs } from './account.ts';

const DAY = 24 * 3_600_000;
const repeated = { idempotency: { key: 'k', fingerprint: 'f' } };
const refused = (code: string) => ({ type: 'refused', problem: { code } });

/** An answer with a text of so many characters, none of them ASCII. */
function answerOf(length: number): KeptAnswer {
  const usage = {
    positions: 1,
    denoising_steps: 1,
    model_evaluations: 1,
    positions_evaluated: 1,
    committed_per_step: 1,
  };
  const text = '雪'.repeat(length);
  return { made: 1, events: [{ type: 'done', index: 0, text, holes: {}, constraints: [], usage }] };
}

describe('a request with an Idempotency-Key', () => {
  it('is refused while the first one is running, replayed for nothing after that', async () => {
    const ledger = await account(1_000);
    const asked = asks(repeated);
    expect(await ledger.begin(asked)).toMatchObject({ type: 'held' });
    const second = await ledger.begin(asks(repeated));
    expect(second).toMatchObject({ type: 'refused', problem: { code: 'idempotency_in_progress', retryAfter: 1 } });
    await ledger.settle(asked.request, costs(40, { answer: answerOf(3) }));
    await evictDurableObject(ledger);
    expect(await ledger.begin(asks(repeated))).toMatchObject({ type: 'replayed', answer: answerOf(3) });
    expect(await ledger.balance()).toEqual({ balance: 960, held: 0 });
  });

  it('is refused where the key was used for another request, running or not', async () => {
    const ledger = await account(1_000);
    const other = asks({ idempotency: { key: 'k', fingerprint: 'another' } });
    const asked = asks(repeated);
    await ledger.begin(asked);
    expect(await ledger.begin(other)).toMatchObject(refused('idempotency_mismatch'));
    await ledger.settle(asked.request, costs(40, { answer: answerOf(3) }));
    expect(await ledger.begin(other)).toMatchObject(refused('idempotency_mismatch'));
  });

  it('runs again where the first one was released, or ended without an answer', async () => {
    const ledger = await account(1_000);
    const [first, second, third] = [asks(repeated), asks(repeated), asks(repeated)];
    await ledger.begin(first);
    await ledger.release(first.request);
    expect(await ledger.begin(second)).toMatchObject({ type: 'held' });
    await ledger.settle(second.request, costs(1));
    expect(await ledger.begin(third)).toMatchObject({ type: 'held' });
  });

  it('is not replayed where it was refused', async () => {
    const ledger = await account(100);
    expect(await ledger.begin(asks({ ...repeated, most: 101 }))).toMatchObject(refused('insufficient_credits'));
    expect(await ledger.begin(asks({ ...repeated, most: 100 }))).toMatchObject({ type: 'held' });
  });

  it('is replayed for a day', () =>
    books(1_000, ({ storage, ...rest }) => {
      const books = { storage, ...rest };
      const rows = () => storage.sql.exec('SELECT * FROM answer').toArray().length;
      const asked = asks(repeated);
      begin(books, asked, 0);
      settle(books, asked.request, costs(1, { answer: answerOf(1) }), 10);
      sweepAnswers(storage.sql, DAY + 9, 10);
      expect(begin(books, asks(repeated), DAY + 9)).toMatchObject({ type: 'replayed' });
      // Whether or not the alarm has been there.
      const again = asks(repeated);
      expect(begin(books, again, DAY + 10)).toMatchObject({ type: 'held' });
      settle(books, again.request, costs(1, { answer: answerOf(1) }), DAY + 10);
      expect(rows()).toBe(1);
      sweepAnswers(storage.sql, DAY + DAY + 10, 10);
      expect(rows()).toBe(0);
    }));

  it('is replayed whole where its answer is larger than a row may be, and runs again where it is too large', () =>
    books(1_000, (books) => {
      const [large, tooLarge] = [answerOf(1_500_000), answerOf(Math.ceil(ANSWER_MOST / 3))];
      const [first, second] = [asks(repeated), asks({ idempotency: { key: 'other', fingerprint: 'f' } })];
      begin(books, first, 0);
      settle(books, first.request, costs(1, { answer: large }), 0);
      expect(begin(books, asks(repeated), 1)).toEqual(expect.objectContaining({ type: 'replayed', answer: large }));
      begin(books, second, 0);
      settle(books, second.request, costs(1, { answer: tooLarge }), 0);
      expect(begin(books, asks({ idempotency: second.idempotency }), 1)).toMatchObject({ type: 'held' });
    }));
});

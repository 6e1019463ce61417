import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { begin } from '../../../edge/ledger/begin.ts';
import type { Books } from '../../../edge/ledger/books.ts';
import { collectDue, type WorkOf } from '../../../edge/ledger/collect.ts';
import { leave, release, settle } from '../../../edge/ledger/end.ts';
import { entriesAfter, last } from '../../../edge/ledger/entries.ts';
import { dueHolds, heldIn } from '../../../edge/ledger/holds.ts';
import type { LedgerApi } from '../../../edge/ledger/protocol.ts';
import type { JobWork } from '../../../shared/contract/job-work.ts';
import { verifyRequest } from '../../../shared/contract/signature.ts';
import { account, asks, books, costs } from './account.ts';

const MINUTE = 60_000;
const FOREVER = Number.MAX_SAFE_INTEGER;

/** Of a job that has ended: one text of 8 positions in so many steps. */
function ended(outcome: JobWork['outcome'], steps = 4): JobWork {
  return { id: 'gen_', state: 'ended', outcome, texts: [{ positions: 8, denoising_steps: steps }] };
}

const running: JobWork = { id: 'gen_', state: 'running', texts: [] };

/** Collects at a time, by a service that says this. */
const collectAt = (books: Books, now: number, workOf: WorkOf) => collectDue(books, workOf, () => now);

const money = ({ storage: { sql } }: Books) => ({ balance: last(sql).balance, held: heldIn(sql) });

describe('a request of which nobody says what became of it', () => {
  const begun = (run: (books: Books) => Promise<void>, changes = {}) =>
    books(1_000, async (books) => {
      begin(books, asks({ most: 100, holdMs: MINUTE, ...changes }), 0);
      await run(books);
    });

  it('is asked for when its time has passed, not before', () =>
    begun(async (books) => {
      const asked: string[] = [];
      const workOf: WorkOf = async (job) => void asked.push(job);
      await collectAt(books, MINUTE - 1, workOf);
      expect(asked).toEqual([]);
      await collectAt(books, MINUTE, workOf);
      expect(asked).toHaveLength(1);
    }));

  it.each(['done', 'left'] as const)('costs what ran where the service says %s', (outcome) =>
    begun(async (books) => {
      await collectAt(books, MINUTE, async () => ended(outcome));
      expect(money(books)).toEqual({ balance: 968, held: 0 });
      expect(entriesAfter(books.storage.sql, 1, 9)).toMatchObject([
        { kind: 'computed', amount: -32, work: 32, texts: 1 },
      ]);
    }),
  );

  it.each([
    ['no service knows it', undefined],
    ['it was broken off', ended('problem')],
  ])('costs nothing where %s', (_, work) =>
    begun(async (books) => {
      await collectAt(books, MINUTE, async () => work);
      expect(money(books)).toEqual({ balance: 1_000, held: 0 });
    }),
  );

  it('never costs more than is held', () =>
    begun(async (books) => {
      await collectAt(books, MINUTE, async () => ended('done', 400));
      expect(money(books)).toEqual({ balance: 900, held: 0 });
    }));

  it('is asked for again while it is running', () =>
    begun(async (books) => {
      await collectAt(books, MINUTE, async () => running);
      expect(money(books)).toEqual({ balance: 1_000, held: 100 });
      const [again] = dueHolds(books.storage.sql, FOREVER, 1);
      expect(again.due).toBe(MINUTE + 5_000);
      await collectAt(books, again.due, async () => ended('done'));
      expect(money(books)).toEqual({ balance: 968, held: 0 });
    }));

  it('is asked for ever less often while no service can be, and given up after a quarter of an hour', () =>
    begun(async (books) => {
      const tries: number[] = [];
      while (dueHolds(books.storage.sql, FOREVER, 1).length > 0) {
        const [{ due }] = dueHolds(books.storage.sql, FOREVER, 1);
        tries.push(due - MINUTE);
        await collectAt(books, due, () => Promise.reject(new Error('unreachable')));
      }
      expect(tries.slice(0, 6)).toEqual([0, 5_000, 10_000, 20_000, 40_000, 80_000]);
      expect(tries.at(-1)).toBeGreaterThanOrEqual(15 * MINUTE);
      expect(tries.at(-1)).toBeLessThan(17 * MINUTE);
      expect(money(books)).toEqual({ balance: 1_000, held: 0 });
    }));

  it('is given a new quarter of an hour when the service was there again', () =>
    begun(async (books) => {
      const unreachable = () => Promise.reject(new Error('unreachable'));
      await collectAt(books, 10 * MINUTE, unreachable);
      await collectAt(books, 20 * MINUTE, async () => running);
      await collectAt(books, 30 * MINUTE, unreachable);
      expect(dueHolds(books.storage.sql, FOREVER, 1)).toHaveLength(1);
    }));

  it('is asked for after its reader left, as soon as he can no longer come back', () =>
    begun(async (books) => {
      const [{ request }] = dueHolds(books.storage.sql, FOREVER, 1);
      leave(books, request, 15_000);
      await collectAt(books, 14_999, async () => ended('left', 1));
      expect(money(books).held).toBe(100);
      await collectAt(books, 15_000, async () => ended('left', 1));
      expect(money(books)).toEqual({ balance: 992, held: 0 });
    }));

  it('is charged once where it ends while the service is being asked', () =>
    begun(async (books) => {
      const [{ request }] = dueHolds(books.storage.sql, FOREVER, 1);
      await collectAt(books, MINUTE, async () => {
        settle(books, request, costs(70), MINUTE);
        return ended('done');
      });
      expect(money(books)).toEqual({ balance: 930, held: 0 });
    }));

  it('runs again under its Idempotency-Key, as its answer went nowhere', () =>
    begun(
      async (books) => {
        await collectAt(books, MINUTE, async () => ended('done'));
        const again = asks({ idempotency: { key: 'k', fingerprint: 'f' } });
        expect(begin(books, again, MINUTE)).toMatchObject({ type: 'held' });
      },
      { idempotency: { key: 'k', fingerprint: 'f' } },
    ));
});

describe('a request that joined another', () => {
  const joined = (run: (books: Books, job: string) => Promise<void>) =>
    books(1_000, async (books) => {
      const first = asks({ flight: 'f' });
      begin(books, first, 0);
      begin(books, asks({ flight: 'f' }), 0);
      release(books, first.request, 0);
      await run(books, first.job);
    });

  it('is asked for by the job that it joined, and costs its small price where that was finished', () =>
    joined(async (books, job) => {
      await collectAt(books, MINUTE, async (asked) => (asked === job ? ended('done') : undefined));
      expect(entriesAfter(books.storage.sql, 1, 9)).toMatchObject([{ kind: 'joined', amount: -5, work: 0, texts: 1 }]);
    }));

  it.each(['left', 'problem'] as const)('costs nothing where that came to: %s', (outcome) =>
    joined(async (books) => {
      await collectAt(books, MINUTE, async () => ended(outcome));
      expect(money(books)).toEqual({ balance: 1_000, held: 0 });
    }),
  );
});

describe('the alarm', () => {
  const SECRET = 'the secret of this test, 32 characters at least';

  it('asks the services of the edge, as the account, for what is due, and is set for the next', async () => {
    const ledger = await account(1_000);
    const [due, later] = [asks({ holdMs: 0 }), asks({ holdMs: MINUTE })];
    const paths: string[] = [];
    const BACKEND = {
      async fetch(url: string, init?: RequestInit) {
        const { pathname, searchParams, search } = new URL(url);
        const headers = new Headers(init?.headers);
        const signed = { time: headers.get('x-maskwright-time'), signature: headers.get('x-maskwright-signature') };
        await verifyRequest(SECRET, { method: 'GET', path: pathname + search, body: '' }, signed);
        paths.push(`${pathname} ${searchParams.get('owner')?.slice(0, 4)}`);
        return Response.json(ended('left', 2));
      },
    };
    await runInDurableObject<LedgerApi, void>(ledger, async (instance, { storage }) => {
      const { env } = instance as unknown as { env: object };
      Object.assign(instance, { env: { ...env, BACKEND, BACKEND_SECRET: SECRET, BACKEND_URL: 'http://a.invalid' } });
      await instance.begin(later);
      await storage.deleteAlarm();
      await instance.begin(due);
    });
    await runDurableObjectAlarm(ledger);
    await expect.poll(() => ledger.balance()).toEqual({ balance: 984, held: 100 });
    expect(paths).toEqual([`/jobs/${due.job}/work acc_`]);
    await runInDurableObject(ledger, async (_instance, { storage }) => {
      const alarm = (await storage.getAlarm()) ?? 0;
      expect(alarm).toBeGreaterThan(Date.now());
      expect(alarm).toBeLessThanOrEqual(Date.now() + MINUTE);
    });
  });
});

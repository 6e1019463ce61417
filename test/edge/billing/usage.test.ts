/** What an account reads of its own money: usage, balance, entries, statements; all of it agrees with the ledger. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { UsageRow } from '../../../edge/billing/usage.ts';
import { ledgerOf } from '../../../edge/ledger/ledger-of.ts';
import type { Exported, Mode } from '../../../edge/ledger/protocol.ts';
import { edge, GRANT } from '../upstream.ts';
import { consumed, emptyTables, entryOf, rowsOf } from './bindings.ts';

beforeEach(emptyTables);

const DAY = 86_400_000;
const day = (time: number) => new Date(time).toISOString().slice(0, 10);

interface Usage {
  from: string;
  to: string;
  data: (Omit<UsageRow, 'group'> & { day?: string; key?: string; model?: string })[];
  total: { requests: number; micro_dollars: number };
}

/** An account with these entries in its statements. */
async function used(entries: Partial<Exported>[]) {
  const running = await edge();
  const { id: account } = running.account;
  await consumed(
    running.env,
    entries.map((entry) => entryOf({ account, ...entry })),
  );
  const read = async (query = '') => {
    const response = await running.fetch(`/v1/usage${query}`);
    return { status: response.status, body: (await response.json()) as Usage & { pointer?: string; code?: string } };
  };
  return { ...running, read };
}

const at = Date.UTC(2026, 9, 15, 12);

describe('GET /v1/usage', () => {
  it('adds up by day, with where answers came from', async () => {
    const { read } = await used([
      { at, amount: -52, work: 1024, texts: 1 },
      { at, amount: -100, work: 2000, texts: 3 },
      { at, kind: 'cached', amount: -5, work: 0, texts: 1 },
      { at: at + DAY, kind: 'joined', amount: -5, work: 0, texts: 1 },
      { at, kind: 'top_up', amount: 5_000_000 },
      { at, amount: -1, account: 'acc_other' },
      { at, amount: -1, mode: 'test' },
    ]);
    const { body } = await read('?from=2026-10-15&to=2026-10-16');
    const cached = { requests: 1, texts: 1, work: 0, micro_dollars: 5 };
    expect(body).toEqual({
      ...{ object: 'usage', mode: 'live', from: '2026-10-15', to: '2026-10-16', group: 'day' },
      data: [
        {
          ...{ day: '2026-10-15', requests: 3, texts: 5, work: 3024, micro_dollars: 157 },
          by_origin: { cached, computed: { requests: 2, texts: 4, work: 3024, micro_dollars: 152 } },
        },
        { day: '2026-10-16', ...cached, by_origin: { joined: cached } },
      ],
      total: { requests: 4, texts: 6, work: 3024, micro_dollars: 162 },
    });
  });

  it('adds up by key and by model', async () => {
    const { read } = await used([
      { at, amount: -1, key: 'key_a', model: 'small' },
      { at, amount: -2, key: 'key_b', model: 'small' },
      { at, amount: -4, key: 'key_a', model: 'large' },
    ]);
    const by = async (group: 'key' | 'model') =>
      (await read(`?from=2026-10-15&to=2026-10-15&group=${group}`)).body.data.map((row) => [
        row[group],
        row.micro_dollars,
      ]);
    expect(await by('key')).toEqual([
      ['key_a', 5],
      ['key_b', 2],
    ]);
    expect(await by('model')).toEqual([
      ['large', 4],
      ['small', 3],
    ]);
  });

  it('begins and ends days at midnight UTC', async () => {
    const midnight = Date.UTC(2026, 9, 15);
    const { read } = await used([-1, 0, DAY - 1, DAY].map((after) => ({ at: midnight + after, amount: -1 })));
    const { body } = await read('?from=2026-10-15&to=2026-10-15');
    expect(body.data.map((row) => [row.day, row.requests])).toEqual([['2026-10-15', 2]]);
  });

  it('gives the last thirty days where none are named', async () => {
    const now = Date.now();
    const { read } = await used([
      { at: now, amount: -1 },
      { at: now - 31 * DAY, amount: -1 },
    ]);
    const { body } = await read();
    expect([body.from, body.to, body.total.requests]).toEqual([day(now - 29 * DAY), day(now), 1]);
  });

  it.each([
    ['?from=2026-10-15&to=2026-10-14', '/from'],
    ['?from=2025-10-14&to=2026-10-15', '/from'],
    ['?from=2026-02-30', '/from'],
    ['?to=yesterday', '/to'],
    ['?group=hour', '/group'],
    ['?format=xls', '/format'],
    ['?mode=play', '/mode'],
    ['?grup=day', '/grup'],
  ])('refuses %s', async (query, pointer) => {
    const { read } = await used([]);
    const { status, body } = await read(query);
    expect([status, body.pointer]).toEqual([400, pointer]);
  });

  it('is a file for spreadsheets', async () => {
    const { fetch } = await used([
      { at, amount: -52, model: '=1+1', texts: 2 },
      { at, kind: 'cached', amount: -5, model: 'a,b', work: 0 },
    ]);
    const response = await fetch('/v1/usage?from=2026-10-15&to=2026-10-15&group=model&format=csv');
    expect(response.headers.get('content-type')).toMatch(/^text\/csv; charset=utf-8/);
    expect(response.headers.get('content-disposition')).toBe(
      'attachment; filename="usage-live-2026-10-15-2026-10-15-by-model.csv"',
    );
    expect(await response.text()).toBe(
      'model,origin,requests,texts,work,micro_dollars\r\n\'=1+1,computed,1,2,1024,52\r\n"a,b",cached,1,1,0,5\r\n',
    );
  });

  it('shows a test key the test ledger only', async () => {
    const running = await edge({ keys: ['live', 'test'] });
    const keyOf = (mode: Mode) => running.account.keys.find((key) => key.mode === mode)?.key;
    const status = async (key: Mode, mode: string) => {
      const headers = { authorization: `Bearer ${keyOf(key)}` };
      return (await running.send(`/v1/usage?mode=${mode}`, { headers })).status;
    };
    expect([await status('test', 'test'), await status('live', 'test'), await status('test', 'live')]).toEqual([
      200, 200, 403,
    ]);
  });
});

interface Statement {
  opening_balance: number;
  closing_balance: number;
  entries: Record<string, { count: number; micro_dollars: number }>;
  complete: boolean;
}

const month = day(Date.now()).slice(0, 7);

/** An account whose ledger did these things, and how to read it. */
async function banked() {
  const running = await edge();
  const ledger = ledgerOf(running.env, running.account.id, 'live');
  const json = async <Body>(path: string) => (await (await running.fetch(path)).json()) as Body;
  return { ...running, ledger, json, statement: (of = month) => json<Statement>(`/v1/statements/${of}`) };
}

describe('balance and entries', () => {
  it('are the ledger’s own, in pages', async () => {
    const { ledger, json, account } = await banked();
    for (let i = 0; i < 4; i++) await ledger.credit(`grant_${i}`, 'grant', 10);
    await ledger.begin({
      ...{ request: 'req_1', job: 'gen_1', key: account.keys[0].id, model: 'small', most: 30 },
      ...{ price: { computed: 1, cached: 1 }, holdMs: 60_000 },
    });
    expect(await json('/v1/balance')).toMatchObject({
      mode: 'live',
      balance: GRANT + 40,
      held: 30,
      available: GRANT + 10,
    });
    const first = await json<{ data: { seq: number }[] }>('/v1/entries?limit=3');
    expect(first).toMatchObject({ data: [{ seq: 1 }, { seq: 2 }, { seq: 3 }], has_more: true });
    expect(await json('/v1/entries?limit=3&after=3')).toMatchObject({
      data: [{ seq: 4 }, { seq: 5 }],
      has_more: false,
    });
    expect(await json('/v1/entries?limit=501')).toMatchObject({ code: 'invalid_request', pointer: '/limit' });
  });
});

describe('what a ledger writes', () => {
  it('is in the statements shortly after, by itself', async () => {
    const { ledger, account } = await banked();
    await ledger.credit('grant_by_itself', 'grant', 7);
    const query = `SELECT id, amount FROM statements WHERE account = '${account.id}' AND mode = 'live' AND seq = 2`;
    await expect
      .poll(() => rowsOf(query), { timeout: 15_000, interval: 200 })
      .toEqual([{ id: 'grant_by_itself', amount: 7 }]);
  });
});

describe('the statement of a month', () => {
  it('agrees with the ledger to the micro-dollar, whatever of it the queue has brought', async () => {
    const amounts = fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(amounts, fc.nat(), async (moves, lost) => {
        const { ledger, env, account, statement } = await banked();
        for (const [n, amount] of moves.entries()) {
          await ledger.credit(`move_${n}`, amount < 0 ? 'adjustment' : 'top_up', amount);
        }
        const entries = await ledger.entries(0, 100);
        // The queue brings what it likes, in the order it likes; some of it never.
        const brought = entries.filter(({ seq }) => (lost >> seq) % 2 === 0).reverse();
        await consumed(
          env,
          brought.map((entry) => ({ ...entry, account: account.id, mode: 'live' })),
        );
        const { balance } = await ledger.balance();
        const { opening_balance, closing_balance, entries: kinds } = await statement();
        expect([opening_balance, closing_balance]).toEqual([0, balance]);
        expect(Object.values(kinds).reduce((sum, { micro_dollars }) => sum + micro_dollars, 0)).toBe(balance);
        expect(Object.values(kinds).reduce((sum, { count }) => sum + count, 0)).toBe(entries.length);
      }),
      { numRuns: 8 },
    );
  });

  it('opens with what the month before closed with', async () => {
    const { env, account, statement } = await banked();
    const last = Date.UTC(2026, 9, 31, 23, 59, 59, 999);
    const of = { account: account.id, amount: 100, kind: 'grant' } as const;
    await consumed(env, [
      entryOf({ ...of, id: 'a', seq: 9_001, at: last }),
      entryOf({ ...of, id: 'b', seq: 9_002, at: last + 1 }),
    ]);
    const [october, november] = [await statement('2026-10'), await statement('2026-11')];
    expect(october).toMatchObject({
      opening_balance: 0,
      closing_balance: 100,
      entries: { grant: { count: 1, micro_dollars: 100 } },
    });
    expect(november.opening_balance).toBe(october.closing_balance);
    expect(october.complete).toBe(Date.now() > last);
  });

  it('is not complete before the month is over', async () => {
    const { statement } = await banked();
    expect((await statement()).complete).toBe(false);
    expect(await statement('2020-02')).toMatchObject({
      opening_balance: 0,
      entries: {},
      closing_balance: 0,
      complete: true,
    });
  });

  it.each(['2026-13', '2026-00', '2026', '26-01', '2026-1'])('is of no month %s', async (of) => {
    const { fetch } = await banked();
    expect((await fetch(`/v1/statements/${of}`)).status).toBe(404);
  });
});

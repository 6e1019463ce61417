/** The queue of entries: whatever it does, each entry of a ledger is one row of its statements. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { consumed, emptyTables, entryOf, rowsOf } from './bindings.ts';

beforeEach(emptyTables);

const ROWS = 'SELECT id, amount FROM statements ORDER BY seq';

describe('the consumer of entries', () => {
  it('writes an entry as it is, what it lacks as nothing', async () => {
    const entry = entryOf({ preset: 'preset_a' });
    const {
      key: _key,
      model: _model,
      work: _work,
      texts: _texts,
      ...topUp
    } = entryOf({ id: 'cs_1', kind: 'top_up', amount: 5 });
    expect(await consumed(env, [entry, topUp])).toEqual({ acked: [0, 1], again: [] });
    expect(await rowsOf('SELECT * FROM statements ORDER BY seq')).toEqual([
      entry,
      { ...topUp, key: null, model: null, work: null, texts: null, preset: null },
    ]);
  });

  it('writes what comes twice, late and in another order once', async () => {
    const entries = Array.from({ length: 40 }, () => entryOf());
    const shuffled = entries.toSorted((a, b) => (a.id.split('').reverse() < b.id.split('').reverse() ? -1 : 1));
    await consumed(env, [...shuffled.slice(0, 25), ...shuffled.slice(5, 15)]);
    await consumed(env, shuffled.slice(20));
    await consumed(env, entries);
    expect(await rowsOf(ROWS)).toEqual(entries.map(({ id, amount }) => ({ id, amount })));
  });

  it('keeps the same id of two accounts, and of the two modes of one, apart', async () => {
    const same = { id: 'req_same', amount: -1 };
    await consumed(env, [entryOf(same), entryOf({ ...same, account: 'acc_b' }), entryOf({ ...same, mode: 'test' })]);
    expect(await rowsOf(ROWS)).toHaveLength(3);
  });

  it('lets what cannot be read come again, and holds nothing back for it', async () => {
    const bad = [
      null,
      'text',
      {},
      { ...entryOf(), amount: 0.5 },
      { ...entryOf(), kind: 'gift' },
      { ...entryOf(), id: '' },
    ];
    const good = entryOf();
    expect(await consumed(env, [...bad, good])).toEqual({ acked: [6], again: [0, 1, 2, 3, 4, 5] });
    expect(await rowsOf(ROWS)).toEqual([{ id: good.id, amount: good.amount }]);
  });

  it('acknowledges nothing that is not written', async () => {
    await env.DB.prepare('ALTER TABLE statements RENAME TO away').run();
    const entry = entryOf();
    expect(await consumed(env, [entry])).toEqual({ acked: [], again: [0] });
    await env.DB.prepare('ALTER TABLE away RENAME TO statements').run();
    expect(await consumed(env, [entry], 2)).toEqual({ acked: [0], again: [] });
    expect(await rowsOf(ROWS)).toEqual([{ id: entry.id, amount: entry.amount }]);
  });

  it('reads what came through the real queue', async () => {
    const entry = entryOf({ account: 'acc_queue' });
    await env.ENTRIES.send(entry);
    await expect
      .poll(() => rowsOf("SELECT id FROM statements WHERE account = 'acc_queue'"), { timeout: 10_000, interval: 100 })
      .toEqual([{ id: entry.id }]);
  });
});

/** What a request writes into its ledger: rows are what Cloudflare bills Durable Objects by, beside their requests. */
import { describe, expect, it } from 'vitest';
import { begin } from '../../../edge/ledger/begin.ts';
import type { Books } from '../../../edge/ledger/books.ts';
import { release, settle } from '../../../edge/ledger/end.ts';
import { have } from '../../../edge/ledger/have.ts';
import { asks, books, costs } from './account.ts';

/** Rows that `act` writes, indexes included, as the runtime counts them. */
function rowsOf({ storage: { sql } }: Books, act: () => unknown): number {
  const cursors: ReturnType<typeof sql.exec>[] = [];
  const exec = sql.exec;
  Object.defineProperty(sql, 'exec', {
    configurable: true,
    value: (...query: Parameters<typeof sql.exec>) => {
      const cursor = exec.apply(sql, query);
      cursors.push(cursor);
      return cursor;
    },
  });
  act();
  Object.defineProperty(sql, 'exec', { configurable: true, value: exec });
  return cursors.reduce((all, { rowsWritten }) => all + rowsWritten, 0);
}

describe('a request writes few rows', () => {
  it('computed, from the hold to the settlement', async () => {
    const [held, settled] = await books(1_000, (own) => {
      const asked = asks();
      return [
        rowsOf(own, () => begin(own, asked, Date.now())),
        rowsOf(own, () => settle(own, asked.request, costs(40), Date.now())),
      ];
    });
    expect([held, settled]).toEqual([1, 4]);
  });

  it('answered from the cache', async () => {
    const rows = await books(1_000, (own) =>
      rowsOf(own, () => have(own, asks(), costs(5, { origin: 'cached' }), Date.now())),
    );
    expect(rows).toBe(5);
  });

  it('released', async () => {
    const rows = await books(1_000, (own) => {
      const asked = asks();
      begin(own, asked, Date.now());
      return rowsOf(own, () => release(own, asked.request, Date.now()));
    });
    expect(rows).toBe(3);
  });
});

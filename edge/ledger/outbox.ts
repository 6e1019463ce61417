/**
 * The way of entries out. The entries are their own outbox: they are numbered, and the ledger keeps the number of the last that went.
 * It moves on only after the queue has taken them, so each goes at least once, and nothing has to be deleted.
 */
import type { Queue } from '@cloudflare/workers-types';
import { entriesAfter } from './entries.ts';
import type { Exported, Mode } from './protocol.ts';
import { first, type Sql } from './storage.ts';

/** Messages of one batch; the queue takes no more. An entry is below 1 KB, far from the 256 KB of a batch. */
const BATCH = 100;

interface Row {
  readonly account: string;
  readonly mode: Mode;
  readonly exported: number;
}

const ACCOUNT = 'SELECT account, mode, exported FROM account';
const PENDING = 'SELECT 1 AS yes FROM entry WHERE seq > (SELECT exported FROM account)';

/** Says whose ledger it is, once; later calls change nothing. */
export function openAccount(sql: Sql, account: string, mode: Mode): void {
  sql.exec('INSERT OR IGNORE INTO account (only, account, mode) VALUES (1, ?, ?)', account, mode);
}

/** Whose ledger it is; undefined before it was opened. */
export function accountOf(sql: Sql): Row | undefined {
  return first<Row>(sql, ACCOUNT);
}

/** Whether entries wait. */
export function pending(sql: Sql): boolean {
  return first(sql, `${PENDING} LIMIT 1`) !== undefined;
}

/** Sends what waits. Rejects where the queue does; what it took stays taken. */
export async function drain(sql: Sql, queue: Pick<Queue<Exported>, 'sendBatch'>): Promise<void> {
  for (;;) {
    const owner = accountOf(sql);
    const entries = owner === undefined ? [] : entriesAfter(sql, owner.exported, BATCH);
    const newest = entries.at(-1);
    if (owner === undefined || newest === undefined) return;
    const { account, mode } = owner;
    await queue.sendBatch(entries.map((entry) => ({ body: { ...entry, account, mode } })));
    sql.exec('UPDATE account SET exported = ?', newest.seq);
  }
}

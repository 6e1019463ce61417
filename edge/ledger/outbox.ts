/**
 * The way of entries out. The entries are their own outbox: they are numbered, and the ledger keeps the number of the last that went.
 * It moves on only after the queue has taken them, so each goes at least once, and nothing has to be deleted.
 */
import type { MessageSendRequest } from '@cloudflare/workers-types';
import { log } from '../watching/log.ts';
import { entriesAfter } from './entries.ts';
import type { Exported, Mode } from './protocol.ts';
import { first, type Sql } from './storage.ts';

/** Messages of one batch; the queue takes no more. An entry is below 1 KB, far from the 256 KB of a batch. */
const BATCH = 100;
/** Entries of so long go out together: soon enough for statements within a second, and seldom enough not to be felt by requests. */
const SOON_MS = 50;

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

/** Gives a batch of entries to the queue. Rejects where it does not take them. */
export type SendBatch = (entries: MessageSendRequest<Exported>[]) => Promise<unknown>;

export class Outbox {
  /** Of the queue, one after the other. */
  failures = 0;
  private readonly sql: Sql;
  private readonly sendBatch: SendBatch;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sending: Promise<void> | undefined;

  constructor(sql: Sql, sendBatch: SendBatch) {
    this.sql = sql;
    this.sendBatch = sendBatch;
  }

  /** Sends what waits, now and while it is under way. Never rejects; what the queue did not take goes on waiting. */
  async send(): Promise<void> {
    this.sending ??= this.sendAll().finally(() => {
      this.sending = undefined;
    });
    await this.sending;
  }

  /** Sends what waits a little later, together with what comes until then. While the queue fails, that is left to the alarm, which `failed` sets. */
  sendSoon(failed: () => void): void {
    if (this.failures > 0) return;
    this.timer ??= setTimeout(async () => {
      this.timer = undefined;
      await this.send();
      if (this.failures > 0) failed();
    }, SOON_MS);
  }

  private async sendAll(): Promise<void> {
    try {
      while (await this.sendSome());
      this.failures = 0;
    } catch (error) {
      this.failures++;
      log('warn', 'the queue did not take entries', { failures: this.failures, error: String(error) });
    }
  }

  /** @returns whether there was any */
  private async sendSome(): Promise<boolean> {
    const owner = accountOf(this.sql);
    const entries = owner === undefined ? [] : entriesAfter(this.sql, owner.exported, BATCH);
    const newest = entries.at(-1);
    if (owner === undefined || newest === undefined) return false;
    const { account, mode } = owner;
    await this.sendBatch(entries.map((entry) => ({ body: { ...entry, account, mode } })));
    this.sql.exec('UPDATE account SET exported = ?', newest.seq);
    return true;
  }
}

/** The real bindings of workerd for tests of money at the rim, and a few shorthands over them. */
import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { BillingSettings } from '../../../edge/billing/settings.ts';
import type { Env } from '../../../edge/env.ts';
import worker from '../../../edge/index.ts';
import type { Exported } from '../../../edge/ledger/protocol.ts';

const TABLES = ['statements', 'deliveries', 'stripe_customers', 'top_ups', 'payments'];

/** Empties the tables of this part: a database is one for all tests of a file. */
export async function emptyTables(): Promise<void> {
  await env.DB.batch(TABLES.map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
}

export function envWith(settings: Partial<BillingSettings>): Env {
  return { ...env, ...settings };
}

let entries = 0;

/** An entry of a request that cost 52 micro-dollars; its numbers follow each other. */
export function entryOf(given: Partial<Exported> = {}): Exported {
  const seq = ++entries;
  const id = `req_${String(seq).padStart(24, '0')}`;
  return {
    ...{ account: 'acc_a', mode: 'live', id, seq, kind: 'computed', amount: -52, balance: 1_000_000 - 52 * seq },
    ...{ at: Date.now(), key: 'key_a', model: 'small', work: 1024, texts: 1 },
    ...given,
  };
}

/** Delivers bodies to the consumer as one batch. @returns which of them, by position, are acknowledged and which come again */
export async function consumed(environment: Env, bodies: readonly unknown[], attempts = 1) {
  const messages = bodies.map((body, n) => ({ id: String(n), timestamp: new Date(), attempts, body }));
  const batch = createMessageBatch('maskwright-entries', messages);
  const context = createExecutionContext();
  await worker.queue(batch, environment);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, context);
  return { acked: explicitAcks.map(Number), again: retryMessages.map(({ msgId }) => Number(msgId)) };
}

export async function rowsOf(sql: string): Promise<Record<string, unknown>[]> {
  return (await env.DB.prepare(sql).all()).results;
}

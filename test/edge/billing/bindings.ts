/** The real bindings of workerd for tests of money at the rim, and a few shorthands over them. */
import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { BillingSettings } from '../../../edge/billing/settings.ts';
import type { Env } from '../../../edge/env.ts';
import worker from '../../../edge/index.ts';
import type { Exported } from '../../../edge/ledger/protocol.ts';
import migration from '../../../edge/migrations/0002_statements.sql?raw';

/** Makes the tables of this part anew: a database is one for all tests of a file. */
export async function freshTables(): Promise<void> {
  const statements = migration.replace(/--.*$/gm, '').split(';');
  const tables = [...migration.matchAll(/CREATE TABLE (\w+)/g)].map(([, table]) => `DROP TABLE IF EXISTS ${table}`);
  await env.DB.batch([...tables, ...statements].filter((sql) => sql.trim() !== '').map((sql) => env.DB.prepare(sql)));
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

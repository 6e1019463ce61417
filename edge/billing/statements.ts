/** Rows of statements in D1: each entry of a ledger once, however often and in whichever order it arrives. */
import type { D1Database } from '@cloudflare/workers-types';
import type { Env } from '../env.ts';
import type { Exported, LedgerApi, Mode } from '../ledger/protocol.ts';
import type { Adapter } from './adapter.ts';
import { adaptersOf } from './adapters.ts';

/** A statement is given all entries as one value: D1 takes 100 parameters and 2 MB. */
const INSERT_ROWS = `
  INSERT INTO statements (account, mode, id, seq, kind, amount, balance, at, key, model, work, texts, preset)
  SELECT value->>'account', value->>'mode', value->>'id', value->>'seq', value->>'kind', value->>'amount',
    value->>'balance', value->>'at', value->>'key', value->>'model', value->>'work', value->>'texts',
    value->>'preset'
  FROM json_each(?1) WHERE true
  ON CONFLICT (account, mode, id) DO NOTHING`;

/** Only for entries that are new: one that was delivered has no row in deliveries any more, but it has its statement. */
const INSERT_DELIVERIES = `
  INSERT INTO deliveries (adapter, account, mode, id, made, due)
  SELECT ?1, value->>'account', value->>'mode', value->>'id', ?3, ?3
  FROM json_each(?2)
  WHERE NOT EXISTS (SELECT 1 FROM statements s
    WHERE s.account = value->>'account' AND s.mode = value->>'mode' AND s.id = value->>'id')
  ON CONFLICT DO NOTHING`;

/**
 * Writes entries and, in the same transaction, what is to be handed on to each adapter that is configured. What was written before
 * is left as it is.
 */
export async function writeEntries(env: Env, entries: readonly Exported[], now: number = Date.now()): Promise<void> {
  if (entries.length === 0) return;
  const { DB } = env;
  await DB.batch([
    ...adaptersOf(env).map((adapter) => insertDeliveries(DB, adapter, entries, now)),
    DB.prepare(INSERT_ROWS).bind(JSON.stringify(entries)),
  ]);
}

function insertDeliveries(db: D1Database, { name, wants }: Adapter, entries: readonly Exported[], now: number) {
  return db.prepare(INSERT_DELIVERIES).bind(name, JSON.stringify(entries.filter(wants)), now);
}

/** Entries read from a ledger at once, and how many times: what is further behind is for the queue to bring. */
const PAGE = 500;
const MOST_PAGES = 20;

/** The last number up to which no entry of the account is missing. */
const UP_TO = `
  SELECT coalesce(min(seq), 0) AS seq FROM statements s
  WHERE account = ?1 AND mode = ?2
    AND NOT EXISTS (SELECT 1 FROM statements n WHERE n.account = ?1 AND n.mode = ?2 AND n.seq = s.seq + 1)
    AND EXISTS (SELECT 1 FROM statements f WHERE f.account = ?1 AND f.mode = ?2 AND f.seq = 1)`;

/**
 * Writes what the ledger has and the statements lack: entries still in the queue, and those that were lost to it.
 * @returns whether nothing is missing now
 */
export async function catchUp(env: Env, ledger: LedgerApi, account: string, mode: Mode): Promise<boolean> {
  for (let page = 0; page < MOST_PAGES; page++) {
    const upTo = await env.DB.prepare(UP_TO).bind(account, mode).first<number>('seq');
    const entries = await ledger.entries(upTo ?? 0, PAGE);
    await writeEntries(
      env,
      entries.map((entry) => ({ ...entry, account, mode })),
    );
    if (entries.length < PAGE) return true;
  }
  return false;
}

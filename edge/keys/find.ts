/**
 * Whose key is this? Asked at every request, so the answer is kept close: in the memory of the isolate for seconds, in KV for less
 * than a minute, in D1 for good. What is kept says when D1 said so, and is not believed for longer than `FRESH_MS`, whichever
 * caches it came through: that is how soon a revoked key is refused here. Where money is concerned the ledger refuses it at once.
 */
import type { ExecutionContext } from 'hono';
import type { KeyKind } from '../../shared/contract/key.ts';
import type { Scope } from '../caller.ts';
import type { Env } from '../env.ts';
import type { Mode } from '../ledger/protocol.ts';
import { reached } from '../reached.ts';
import { log } from '../watching/log.ts';
import { remembered } from './remembered.ts';
import { KEY_COLUMNS, type KeyRow, keyOfRow, type StoredKey } from './stored.ts';

/** Age of an answer of D1 until which it is believed; with `MEMORY_MS` on top it is still less than a minute. */
const FRESH_MS = 45_000;
const MEMORY_MS = 10_000;
/** Keys that do not exist: asked for again and again by what was set up with a wrong one. */
const UNKNOWN_MS = 5_000;
const MOST_KNOWN = 5_000;
const MOST_UNKNOWN = 1_000;
/** The shortest KV has, of both. */
const KV_CACHE_S = 30;
const KV_TTL_S = 60;

/** What authentication needs to know of a key and its account. */
export interface KeyRecord {
  readonly id: string;
  readonly account: string;
  readonly mode: Mode;
  readonly kind: KeyKind;
  readonly scopes: readonly Scope[];
  readonly origins?: readonly string[];
  /** Unix milliseconds. */
  readonly expires?: number;
  readonly revoked: boolean;
  /** The account is closed. */
  readonly closed: boolean;
  readonly logsPrompts: boolean;
  /** When D1 said so; Unix milliseconds. */
  readonly read: number;
}

type Later = Pick<ExecutionContext, 'waitUntil'>;

const known = remembered<KeyRecord>(MOST_KNOWN);
// Apart from the known ones, so that guesses cannot drive these out.
const unknown = remembered<true>(MOST_UNKNOWN);

export interface Sought {
  /** What is known of the key: its SHA-256, or of a session its id, which was signed. */
  readonly by: 'hash' | 'id';
  readonly value: string;
  /** Asks D1 itself: for what would outlive a revocation. */
  readonly fresh: boolean;
}

/**
 * The key that is sought; undefined where there is none.
 * @throws ProblemError `ledger_unavailable` where D1 cannot be asked.
 */
export async function findKey(env: Env, sought: Sought, execution: Later): Promise<KeyRecord | undefined> {
  const { value, fresh } = sought;
  if (!fresh) {
    const near = known.get(value);
    if (near !== undefined) return near;
    if (unknown.get(value) === true) return undefined;
  }
  const found = (fresh ? undefined : await fromKv(env, value)) ?? (await fromD1(env, sought, execution));
  if (found === undefined) unknown.set(value, true, Date.now() + UNKNOWN_MS);
  else known.set(value, found, Date.now() + MEMORY_MS);
  return found;
}

/** Forgets what is kept of these keys: in this isolate at once, elsewhere within a minute. What fails here only takes that minute. */
export async function forgetKeys(env: Env, keys: readonly Pick<StoredKey, 'id' | 'hash'>[]): Promise<void> {
  const values = keys.flatMap(({ id, hash }) => [id, hash]);
  for (const value of values) known.delete(value);
  const deleted = await Promise.allSettled(values.map((value) => env.KV.delete(nameOf(value))));
  if (deleted.some(({ status }) => status === 'rejected')) log('warn', 'a changed key could not be deleted from KV');
}

async function fromKv(env: Env, value: string): Promise<KeyRecord | undefined> {
  try {
    const record = await env.KV.get<KeyRecord>(nameOf(value), { type: 'json', cacheTtl: KV_CACHE_S });
    return record !== null && Date.now() - record.read < FRESH_MS ? record : undefined;
  } catch (error) {
    // It is only the quicker way.
    log('warn', 'KV cannot be read', { error: String(error) });
    return undefined;
  }
}

const KEYS = `SELECT ${KEY_COLUMNS}, a.closed, a.log_prompts FROM keys k JOIN accounts a ON a.id = k.account`;

type Row = KeyRow & { readonly closed: number | null; readonly log_prompts: number };

async function fromD1(env: Env, { by, value }: Sought, execution: Later): Promise<KeyRecord | undefined> {
  const read = Date.now();
  const where = by === 'id' ? 'WHERE k.id = ?' : 'WHERE k.hash = ?';
  const row = await reached('D1', async () => await env.DB.prepare(`${KEYS} ${where}`).bind(value).first<Row>());
  if (row === null) return undefined;
  const { id, account, mode, kind, scopes, origins, expires, revoked } = keyOfRow(row);
  const record: KeyRecord = {
    ...{ id, account, mode, kind, scopes, origins, expires, read },
    revoked: revoked !== undefined,
    closed: row.closed !== null,
    logsPrompts: row.log_prompts === 1,
  };
  // Several isolates may write at once, and KV takes one write a second for a name: the others lose nothing.
  const put = env.KV.put(nameOf(value), JSON.stringify(record), { expirationTtl: KV_TTL_S }).catch(() => undefined);
  execution.waitUntil(put);
  return record;
}

/** Hashes are hexadecimal and ids begin with `key_`: none is like another. */
function nameOf(value: string): string {
  return `key:${value}`;
}

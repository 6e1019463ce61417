/** Keys as D1 has them: the index of all keys, which every other copy is made from. */
import type { D1Database, D1PreparedStatement } from '@cloudflare/workers-types';
import type { KeyKind } from '../../shared/contract/key.ts';
import type { Scope } from '../caller.ts';
import type { KeyTerms, Mode } from '../ledger/protocol.ts';

/** Times are Unix milliseconds, money is micro-dollars. */
export interface StoredKey {
  readonly id: string;
  readonly account: string;
  readonly mode: Mode;
  readonly kind: KeyKind;
  /** SHA-256 in hexadecimal. */
  readonly hash: string;
  /** The last four characters, for people to tell their keys apart. */
  readonly last4: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Web pages that may use a publishable key. */
  readonly origins?: readonly string[];
  readonly perMinute: number;
  readonly monthly?: number;
  readonly created: number;
  readonly expires?: number;
  readonly revoked?: number;
  /** The key that this one takes the place of. */
  readonly rotates?: string;
}

/** A row of the table: JSON as text, null for what is absent. */
export type KeyRow = { readonly [Name in keyof StoredKey]: string | number | null };

export function keyOfRow(row: KeyRow): StoredKey {
  const present = Object.entries(row).filter(([, value]) => value !== null);
  const lists = { scopes: JSON.parse(String(row.scopes)), origins: row.origins && JSON.parse(String(row.origins)) };
  return { ...Object.fromEntries(present), ...lists, origins: lists.origins ?? undefined } as StoredKey;
}

/** The columns of `StoredKey`, in the order in which `insertKey` binds them. */
const COLUMNS = [
  ...(['id', 'account', 'mode', 'kind', 'hash', 'last4', 'name', 'scopes'] as const),
  ...(['origins', 'perMinute', 'monthly', 'created', 'expires', 'revoked', 'rotates'] as const),
];

const NAMES = COLUMNS.map((column) => (column === 'perMinute' ? 'per_minute' : column)).join(', ');

/** For statements of others: the columns under the names of `StoredKey`. */
export const KEY_COLUMNS = COLUMNS.map((column) =>
  column === 'perMinute' ? 'k.per_minute AS perMinute' : `k.${column}`,
).join(', ');

/** D1 refuses it, and the batch around it, with `too_many_keys` or `rotation_under_way`: edge/migrations/0001_accounts.sql. */
export function insertKey(db: D1Database, key: StoredKey): D1PreparedStatement {
  const values = COLUMNS.map((column) => {
    const value = key[column];
    return Array.isArray(value) ? JSON.stringify(value) : (value ?? null);
  });
  return db.prepare(`INSERT INTO keys (${NAMES}) VALUES (${COLUMNS.map(() => '?').join(', ')})`).bind(...values);
}

/** A key of this account by its id; what belongs to somebody else is not there. */
export async function readKey(db: D1Database, account: string, id: string): Promise<StoredKey | undefined> {
  const statement = db.prepare(`SELECT ${KEY_COLUMNS} FROM keys k WHERE k.id = ? AND k.account = ?`).bind(id, account);
  const row = await statement.first<KeyRow>();
  return row === null ? undefined : keyOfRow(row);
}

export interface KeyPage {
  /** Only keys of this mode. */
  readonly mode?: Mode;
  /** Only those made before the key of this id. */
  readonly after?: string;
  readonly limit: number;
}

/** Keys of an account, newest first; revoked and expired ones too. */
export async function listKeys(db: D1Database, account: string, page: KeyPage): Promise<readonly StoredKey[]> {
  const statement = db.prepare(
    `SELECT ${KEY_COLUMNS} FROM keys k WHERE k.account = ?1 AND (?2 IS NULL OR k.mode = ?2)
     AND (?3 IS NULL OR k.rowid < (SELECT rowid FROM keys WHERE id = ?3 AND account = ?1)) ORDER BY k.rowid DESC LIMIT ?4`,
  );
  const { results } = await statement.bind(account, page.mode ?? null, page.after ?? null, page.limit).all<KeyRow>();
  return results.map(keyOfRow);
}

/** Keys of an account that work. */
export async function activeKeys(db: D1Database, account: string): Promise<readonly StoredKey[]> {
  const statement = db.prepare(
    `SELECT ${KEY_COLUMNS} FROM keys k
     WHERE k.account = ?1 AND k.revoked IS NULL AND (k.expires IS NULL OR k.expires > ?2)`,
  );
  const { results } = await statement.bind(account, Date.now()).all<KeyRow>();
  return results.map(keyOfRow);
}

/** What the ledger enforces of a key. */
export function termsOf({ id, revoked, expires, perMinute, monthly }: StoredKey): KeyTerms {
  return {
    id,
    revoked: revoked !== undefined,
    perMinute,
    ...(expires === undefined ? {} : { expires }),
    ...(monthly === undefined ? {} : { monthly }),
  };
}

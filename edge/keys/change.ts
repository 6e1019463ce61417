/**
 * Making, rotating and revoking keys. Three places know of a key, and something may fail between any two of them, so the order is:
 * the ledger, which enforces at once; then D1, in one batch with the audit row; then whatever remembers D1 forgets.
 *
 * - Made: fails after the ledger, and the ledger knows the id of a key that nobody has. Fails after D1 (the answer is lost), and there is
 *   a key that nobody has seen; it is listed, and can be revoked.
 * - Revoked: fails after the ledger, and the key can spend nothing any more, though it still reads; who asked is told to try again, and
 *   trying again is all it takes. It is never said to be revoked while it can spend.
 * - Rotated: the one change in which D1 comes before the ledger learns when the old key ends. The other way round, a failure between
 *   them would end the old key though nobody got the new one. Authentication compares the end in D1 with the clock at each
 *   request, and the end is later than the oldest answer it may remember, so nothing is spent with the old key beyond it either way.
 */
import { sha256Hex } from '../../shared/contract/digest.ts';
import { type KeyKind, makeKey } from '../../shared/contract/key.ts';
import { type ProblemError, problem } from '../../shared/contract/problem.ts';
import { type Actor, auditRow, type Change, logChange } from '../audit.ts';
import type { Scope } from '../caller.ts';
import type { Env } from '../env.ts';
import { keyIdentifier } from '../identifier.ts';
import { ledgerOf } from '../ledger/ledger-of.ts';
import type { Mode } from '../ledger/protocol.ts';
import { reached } from '../reached.ts';
import { forgetKeys } from './find.ts';
import { insertKey, type StoredKey, termsOf } from './stored.ts';

/** What is asked for in a new key. */
export interface AskedKey {
  readonly account: string;
  readonly mode: Mode;
  readonly kind: KeyKind;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly origins?: readonly string[];
  readonly perMinute: number;
  readonly monthly?: number;
  /** Unix milliseconds. */
  readonly expires?: number;
  readonly rotates?: string;
}

export interface NewKey {
  /** The key itself: to be shown once, and kept nowhere. */
  readonly secret: string;
  readonly stored: StoredKey;
}

/** A key that is not known anywhere yet. */
export async function draftKey(asked: AskedKey): Promise<NewKey> {
  const secret = makeKey(asked);
  const hash = await sha256Hex(secret);
  return { secret, stored: { ...asked, id: keyIdentifier(), hash, last4: secret.slice(-4), created: Date.now() } };
}

/** @throws ProblemError `conflict` where the account has too many, `ledger_unavailable` where it cannot be reached. */
export async function createKey(env: Env, by: Actor, asked: AskedKey): Promise<NewKey> {
  const made = await draftKey(asked);
  const { stored } = made;
  const change = createdChange(by, stored);
  await putTerms(env, stored);
  await write(env, [insertKey(env.DB, stored), auditRow(env.DB, change)]);
  logChange(change);
  return made;
}

/** What the audit says of a new key. */
export function createdChange(by: Actor, { account, mode, id, kind, scopes, origins, expires }: StoredKey): Change {
  return { ...by, account, mode, action: 'key.created', target: id, details: { kind, scopes, origins, expires } };
}

/** Revokes a key; one that is revoked already stays as it is. @throws ProblemError `ledger_unavailable`. */
export async function revokeKey(env: Env, by: Actor, key: StoredKey): Promise<StoredKey> {
  const revoked = { ...key, revoked: key.revoked ?? Date.now() };
  await putTerms(env, revoked);
  if (key.revoked === undefined) {
    const change: Change = { ...by, account: key.account, mode: key.mode, action: 'key.revoked', target: key.id };
    const update = env.DB.prepare('UPDATE keys SET revoked = ? WHERE id = ? AND revoked IS NULL');
    await write(env, [update.bind(revoked.revoked, key.id), auditRow(env.DB, change)]);
    logChange(change);
  }
  await forgetKeys(env, [key]);
  return revoked;
}

export interface Rotation {
  /** For so long the old key still works; at least as long as the oldest answer that authentication may remember. */
  readonly overlapMs: number;
  /** When the new key ends, Unix milliseconds. */
  readonly expires?: number;
}

/**
 * A second key with the terms of the first, whose end it sets.
 * @throws ProblemError `conflict` where a rotation of it is under way, `ledger_unavailable`.
 */
export async function rotateKey(
  env: Env,
  by: Actor,
  old: StoredKey,
  { overlapMs, expires }: Rotation,
): Promise<NewKey> {
  const { account, mode, kind, name, scopes, origins, perMinute, monthly } = old;
  const asked = { account, mode, kind, name, scopes, origins, perMinute, monthly, expires, rotates: old.id };
  const made = await draftKey(asked);
  const ending = {
    ...old,
    expires: Math.min(old.expires ?? Number.POSITIVE_INFINITY, made.stored.created + overlapMs),
  };
  const details = { successor: made.stored.id, expires: ending.expires };
  const change: Change = { ...by, account, mode, action: 'key.rotated', target: old.id, details };
  await putTerms(env, made.stored);
  await write(env, [
    insertKey(env.DB, made.stored),
    env.DB.prepare('UPDATE keys SET expires = ? WHERE id = ?').bind(ending.expires, old.id),
    auditRow(env.DB, change),
  ]);
  logChange(change);
  // The new key is made, and this answer is the only one that shows it: what fails from here on is logged, and authentication enforces it.
  await putTerms(env, ending).catch(() => undefined);
  await forgetKeys(env, [old]);
  return made;
}

/** Tells the ledger of a key. */
export function putTerms(env: Env, key: StoredKey): Promise<void> {
  return reached('the ledger', async () => await ledgerOf(env, key.account, key.mode).putKey(termsOf(key)));
}

/** All statements or none. @throws ProblemError `conflict` where the triggers of the tables object. */
async function write(env: Env, statements: Parameters<Env['DB']['batch']>[0]): Promise<void> {
  await reached('D1', async () => {
    await env.DB.batch(statements).catch((error) => {
      throw conflictOf(String(error)) ?? error;
    });
  });
}

function conflictOf(error: string): ProblemError | undefined {
  if (error.includes('too_many_keys')) {
    return problem('conflict', 'The account has 100 active keys, which is the most; revoke one that is not used.');
  }
  if (!error.includes('rotation_under_way')) return undefined;
  const detail =
    'Two keys of this rotation are active already; wait until the older one has expired, or revoke one of them.';
  return problem('conflict', detail);
}

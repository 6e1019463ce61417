import type { Context, MiddlewareHandler } from 'hono';
import { sha256Hex } from '../../shared/contract/digest.ts';
import { parseKey } from '../../shared/contract/key.ts';
import { type ProblemError, problem } from '../../shared/contract/problem.ts';
import { allows, type Scope } from '../caller.ts';
import type { EdgeTypes } from '../env.ts';
import { findKey, type KeyRecord } from '../keys/find.ts';
import { originMatches } from '../keys/origins.ts';
import { accountPurse } from '../ledger/account-purse.ts';

/** Scopes whose acts outlive a key: a revoked one must not make itself a successor in the minute in which it is still remembered. */
const LASTING: readonly Scope[] = ['keys', 'billing', 'presets'];

const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/**
 * Lets only holders of a key with this scope pass (`Authorization: Bearer sk_...`) and says whose key it is.
 * Keys are looked up by their SHA-256, whose comparison tells nothing of a key; the key itself is never kept or logged.
 * @param ofPage the scope that lets a publishable key pass
 */
export function authenticate(scope: Scope, ofPage: Scope = scope): MiddlewareHandler<EdgeTypes> {
  return async function authenticate(c, next) {
    const record = await workingKey(c, LASTING.includes(scope));
    admit(c, record, record.kind === 'publishable' ? ofPage : scope);
    await next();
  };
}

/**
 * The key of a request, which works and is used where it may be.
 * @param fresh asks D1 itself whether a secret key still works
 * @throws ProblemError of status 401 or 403, `ledger_unavailable`
 */
export async function workingKey(c: Context<EdgeTypes>, fresh: boolean): Promise<KeyRecord> {
  const record = await c.var.timing.measure('auth', recordOf(c, fresh));
  // First, so that a page which may use the key can read why it does not work.
  checkOrigin(c, record);
  checkState(record);
  return record;
}

/** Says whose key it is. @throws ProblemError `missing_scope` */
export function admit(
  c: Context<EdgeTypes>,
  { id, account, mode, scopes, logsPrompts }: KeyRecord,
  scope: Scope,
): void {
  if (!allows(scopes, scope)) {
    throw problem('missing_scope', `The key has no scope ${scope}; it has ${scopes.join(', ')}.`);
  }
  c.set('caller', { account, mode, key: id, scopes, logsPrompts, purse: accountPurse(c.env, account, mode) });
}

/** What stands behind `Bearer` in the header Authorization. */
export function bearerOf(c: Context<EdgeTypes>): string | undefined {
  return BEARER.exec(c.req.header('authorization') ?? '')?.[1];
}

async function recordOf(c: Context<EdgeTypes>, fresh: boolean): Promise<KeyRecord> {
  if (c.req.header('authorization') === undefined) {
    throw problem('missing_key', 'The header Authorization is missing; "Bearer sk_..." is expected.');
  }
  const key = bearerOf(c);
  const parsed = key === undefined ? undefined : parseKey(key);
  if (parsed?.type === 'mistyped') {
    throw problem(
      'invalid_key',
      'The key in the header Authorization is mistyped or cut off: its checksum does not fit.',
    );
  }
  if (key !== undefined && parsed?.type === 'key') {
    // Nothing that a page does outlives its key, and anybody can send as much of it as he likes.
    const asksD1 = fresh && parsed.kind === 'secret';
    const record = await findKey(c.env, { by: 'hash', value: await sha256Hex(key), fresh: asksD1 }, c.executionCtx);
    if (record !== undefined) return record;
  }
  throw problem('invalid_key', 'The key in the header Authorization is not known; "Bearer sk_..." is expected.');
}

/** @throws ProblemError where the key does not work any more */
export function checkState({ revoked, expires, closed }: KeyRecord): void {
  if (revoked) throw problem('key_revoked', 'The key was revoked; another one is needed.');
  if (expires !== undefined && expires <= Date.now()) {
    throw problem('key_expired', `The key expired at ${new Date(expires).toISOString()}; another one is needed.`);
  }
  if (closed) throw problem('account_closed', 'The account of this key is closed.');
}

/** A publishable key works in the pages of its origins. Who is no browser can claim any origin: its limits are what protects it. */
function checkOrigin(c: Context<EdgeTypes>, { kind, origins = [] }: KeyRecord): void {
  if (kind !== 'publishable') return;
  const origin = c.req.header('origin');
  if (origin === undefined) throw originRefused('the header Origin is missing; it works in web pages only');
  if (!originMatches(origin, origins)) throw originRefused('the origin of this page is not one of its origins');
  c.set('corsOrigin', origin);
}

function originRefused(why: string): ProblemError {
  return problem('origin_not_allowed', `The key is publishable, and ${why}.`);
}

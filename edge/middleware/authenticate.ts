import type { MiddlewareHandler } from 'hono';
import { problem } from '../../shared/contract/problem.ts';
import { fromHex } from '../../shared/contract/signature.ts';
import { SCOPES, type Scope } from '../caller.ts';
import type { EdgeTypes } from '../env.ts';

/** The account of the one key a local run knows. */
export const LOCAL_ACCOUNT = 'local';

const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/**
 * Lets only holders of a key pass (`Authorization: Bearer sk_...`) and says whose key it is.
 * Keys are compared as SHA-256 digests in constant time; the key itself is never kept or logged.
 */
export function authenticate(scope: Scope): MiddlewareHandler<EdgeTypes> {
  return async function authenticate(c, next) {
    const header = c.req.header('authorization');
    if (header === undefined) {
      throw problem('missing_key', 'The header Authorization is missing; "Bearer sk_..." is expected.');
    }
    const key = BEARER.exec(header)?.[1];
    const known = c.env.LOCAL_KEY_SHA256 === undefined ? undefined : fromHex(c.env.LOCAL_KEY_SHA256);
    if (key === undefined || known === undefined || !equalBytes(await sha256(key), known)) {
      throw problem('invalid_key', 'The key in the header Authorization is not known; "Bearer sk_..." is expected.');
    }
    const purse = c.env.LEDGER?.getByName(`${LOCAL_ACCOUNT}:test`);
    const caller = {
      account: LOCAL_ACCOUNT,
      mode: 'test',
      key: 'key_local',
      scopes: SCOPES,
      purse,
      logsPrompts: false,
    } as const;
    if (!caller.scopes.includes(scope)) throw problem('missing_scope', `The key has no scope ${scope}.`);
    c.set('caller', caller);
    await next();
  };
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

/** Whether two digests are equal, in a time that does not depend on where they differ. */
function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}

import type { Context } from 'hono';
import { Hono } from 'hono/tiny';
import * as v from 'valibot';
import { problem } from '../../shared/contract/problem.ts';
import type { Actor } from '../audit.ts';
import type { EdgeTypes } from '../env.ts';
import { askedKey, checkGiver, timeOf } from '../keys/asked.ts';
import { createKey, revokeKey, rotateKey } from '../keys/change.ts';
import { shownKey, shownNewKey } from '../keys/shown.ts';
import { listKeys, readKey, type StoredKey } from '../keys/stored.ts';
import type { Mode } from '../ledger/protocol.ts';
import { authenticate } from '../middleware/authenticate.ts';
import { jsonBody } from '../middleware/body.ts';
import { reached } from '../reached.ts';
import { readPage, shownPage } from '../requests/query.ts';
import { validate } from '../requests/validate.ts';

export const KEY_BODY_BYTES = 16_384;
const DEFAULT_OVERLAP_S = 86_400;
/** Longer than authentication may remember a key without its end. */
const LEAST_OVERLAP_S = 60;
const MOST_OVERLAP_S = 2_592_000;

export const rotationSchema = v.strictObject({
  overlap_seconds: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(LEAST_OVERLAP_S), v.maxValue(MOST_OVERLAP_S)),
    DEFAULT_OVERLAP_S,
  ),
  expires_at: v.optional(v.string()),
});

/** `/v1/keys`: an account's keys, managed by a key with the scope `keys`. */
export function keyRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>()
    .post('/v1/keys', authenticate('keys'), jsonBody({ limit: KEY_BODY_BYTES }), async (c) => {
      const made = await createKey(c.env, actorOf(c), askedKey(c.var.body, c.var.caller));
      return c.json(shownNewKey(made), 201, NO_STORE);
    })
    .get('/v1/keys', authenticate('keys'), async (c) => {
      const page = readPage(c);
      const { account } = c.var.caller;
      const sought = { mode: visibleMode(c), after: page.after, limit: page.limit + 1 };
      const keys = await reached('D1', () => listKeys(c.env.DB, account, sought));
      return c.json(shownPage(keys.map(shownKey), page), 200, NO_STORE);
    })
    .get('/v1/keys/:id', authenticate('keys'), async (c) => c.json(shownKey(await namedKey(c)), 200, NO_STORE))
    .delete('/v1/keys/:id', authenticate('keys'), async (c) => {
      const revoked = await revokeKey(c.env, actorOf(c), await namedKey(c));
      return c.json(shownKey(revoked), 200, NO_STORE);
    })
    .post('/v1/keys/:id/rotate', authenticate('keys'), jsonBody({ limit: KEY_BODY_BYTES }), async (c) => {
      const { overlap_seconds, expires_at } = validate(rotationSchema, c.var.body);
      const old = await namedKey(c);
      checkGiver(c.var.caller, old);
      checkActive(old);
      const expires = expires_at === undefined ? old.expires : timeOf(expires_at, '/expires_at');
      const made = await rotateKey(c.env, actorOf(c), old, { overlapMs: overlap_seconds * 1000, expires });
      return c.json(shownNewKey(made), 201, NO_STORE);
    });
}

const NO_STORE = { 'cache-control': 'no-store' };

/** Whoever asks, for the audit. */
export function actorOf(c: Context<EdgeTypes>): Actor {
  return { actor: c.var.caller.key, request: c.var.requestId };
}

/** What a key may see: test keys do not see live ones. */
export function visibleMode(c: Context<EdgeTypes>): Mode | undefined {
  return c.var.caller.mode === 'test' ? 'test' : undefined;
}

/** The key of the address. @throws ProblemError `unknown_key`, for a key of somebody else as for one that does not exist. */
async function namedKey(c: Context<EdgeTypes>): Promise<StoredKey> {
  const id = c.req.param('id') ?? '';
  const mode = visibleMode(c);
  const found = await reached('D1', () => readKey(c.env.DB, c.var.caller.account, id));
  if (found !== undefined && (mode === undefined || found.mode === mode)) return found;
  throw problem('unknown_key', `There is no key ${JSON.stringify(id.slice(0, 40))}.`);
}

function checkActive({ revoked, expires }: StoredKey): void {
  if (revoked === undefined && (expires === undefined || expires > Date.now())) return;
  throw problem('conflict', 'The key does not work any more, so there is nothing to rotate; make a new one.');
}

import type { Context, MiddlewareHandler } from 'hono';
import { problem } from '../../shared/contract/problem.ts';
import type { EdgeTypes } from '../env.ts';
import { findKey } from '../keys/find.ts';
import { sessionSecret } from '../sessions/secret.ts';
import { readSession, SESSION_PREFIX, type Session } from '../sessions/token.ts';
import { visitorOf } from '../sessions/visitor.ts';
import { admit, bearerOf, checkState, workingKey } from './authenticate.ts';

/**
 * Lets whoever may run the preset of the address (`:id`) pass: a key with the scope `run`, from a page where it is publishable, or a
 * client session of this preset. Whether the preset wants a session is the preset's to say: edge/sessions/protection.ts.
 */
export function authenticateRun(): MiddlewareHandler<EdgeTypes> {
  return async function authenticateRun(c, next) {
    const bearer = bearerOf(c);
    if (bearer?.startsWith(SESSION_PREFIX)) await bySession(c, bearer);
    else await byKey(c);
    await next();
  };
}

async function byKey(c: Context<EdgeTypes>): Promise<void> {
  const record = await workingKey(c, false);
  admit(c, record, 'run');
  if (record.kind === 'publishable') c.set('visitor', await visitorOf(c, record.account));
}

async function bySession(c: Context<EdgeTypes>, token: string): Promise<void> {
  const session = await readSession(sessionSecret(c.env), token);
  checkPage(c, session);
  if (session.expires <= Date.now()) {
    const detail = `The client session expired at ${new Date(session.expires).toISOString()}; a new one is needed.`;
    throw problem('session_expired', detail);
  }
  if (c.req.param('id') !== session.preset) {
    throw problem('missing_scope', 'The client session runs another preset, and no other than that.');
  }
  const sought = { by: 'id', value: session.key, fresh: false } as const;
  const record = await c.var.timing.measure('auth', findKey(c.env, sought, c.executionCtx));
  if (record === undefined) throw problem('invalid_session', 'The key of the client session is not known.');
  checkState(record);
  admit(c, { ...record, scopes: ['run'] }, 'run');
  c.set('session', session);
  c.set('visitor', await visitorOf(c, record.account));
}

/** First, so that the page which may use the session can read why it does not work. */
function checkPage(c: Context<EdgeTypes>, { origin }: Session): void {
  if (c.req.header('origin') !== origin) {
    throw problem('origin_not_allowed', 'The client session was made for another page than this one.');
  }
  c.set('corsOrigin', origin);
}

import { Hono } from 'hono/tiny';
import { type ClientSession, SESSION_LIMITS } from '../../shared/contract/client-session.ts';
import type { EdgeTypes } from '../env.ts';
import { authenticate } from '../middleware/authenticate.ts';
import { jsonBody } from '../middleware/body.ts';
import { openSession } from '../sessions/open.ts';
import { sessionSecret } from '../sessions/secret.ts';
import { signSession } from '../sessions/token.ts';

/** `POST /v1/client_sessions`: leave for a page to run a preset, for a while. */
export function clientSessionRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>().post(
    '/v1/client_sessions',
    authenticate('presets', 'run'),
    jsonBody({ limit: SESSION_LIMITS.bodyBytes }),
    async (c) => {
      const session = await openSession(c);
      c.var.trace.root.set({ account: c.var.caller.account, session: session.id });
      const answer: ClientSession = {
        object: 'client_session',
        client_secret: await signSession(sessionSecret(c.env), session),
        expires_at: new Date(session.expires).toISOString(),
        uses: session.uses,
      };
      return c.json(answer, 201, { 'cache-control': 'no-store' });
    },
  );
}

/** The public API: a Cloudflare Worker. It knows keys, caches and refusals; it knows no tokens and no tensors. */

import { methodNotAllowed } from 'hono/method-not-allowed';
import { Hono } from 'hono/tiny';
import { consume } from './billing/consume.ts';
import { deliver } from './billing/deliveries.ts';
import { collectPayments } from './billing/x402/collect.ts';
import type { EdgeTypes, Env } from './env.ts';
import { answered } from './middleware/answered.ts';
import { cors } from './middleware/cors.ts';
import { onError, onMethodNotAllowed, onNotFound } from './middleware/errors.ts';
import { requestId } from './middleware/request-id.ts';
import { secureHeaders } from './middleware/secure-headers.ts';
import { trace } from './middleware/trace.ts';
import { accountRoutes } from './routes/account.ts';
import { adminRoutes } from './routes/admin.ts';
import { auditRoutes } from './routes/audit.ts';
import { clientSessionRoutes } from './routes/client-sessions.ts';
import { decisionRoutes } from './routes/decisions.ts';
import { generationRoutes } from './routes/generations.ts';
import { keyRoutes } from './routes/keys.ts';
import { modelRoutes } from './routes/models.ts';
import { openaiRoutes } from './routes/openai.ts';
import { presetRoutes } from './routes/presets.ts';
import { priceRoutes } from './routes/prices.ts';
import { requestRoutes } from './routes/requests.ts';
import { resumeRoutes } from './routes/resume.ts';
import { topUpRoutes } from './routes/top-ups.ts';
import { usageRoutes } from './routes/usage.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { log } from './watching/log.ts';

/** The whole app, for the Worker and for tests. */
export function createApp(): Hono<EdgeTypes> {
  const app = new Hono<EdgeTypes>();
  app.onError(onError);
  app.notFound(onNotFound);
  app.use(requestId());
  app.use(answered());
  app.use(trace());
  app.use(secureHeaders());
  app.use('/v1/*', cors());
  app.use(methodNotAllowed({ app, onMethodNotAllowed }));
  app.route('/', generationRoutes());
  app.route('/', decisionRoutes());
  app.route('/', resumeRoutes());
  app.route('/', modelRoutes());
  app.route('/', priceRoutes());
  app.route('/', presetRoutes());
  app.route('/', clientSessionRoutes());
  app.route('/', keyRoutes());
  app.route('/', auditRoutes());
  app.route('/', adminRoutes());
  app.route('/', openaiRoutes());
  app.route('/', usageRoutes());
  app.route('/', requestRoutes());
  app.route('/', accountRoutes());
  app.route('/', topUpRoutes());
  app.route('/', webhookRoutes());
  return app;
}

export { Ledger } from './ledger/ledger.ts';

/** What the clock asks for, once a minute (wrangler.toml). */
async function scheduled(_controller: unknown, env: Env): Promise<void> {
  for (const done of await Promise.allSettled([deliver(env), collectPayments(env)])) {
    if (done.status === 'rejected') log('error', 'what is done each minute failed', { error: String(done.reason) });
  }
}

// The form workerd wants its entry in.
export default { fetch: createApp().fetch, queue: consume, scheduled };

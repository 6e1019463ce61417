/** The public API: a Cloudflare Worker. It knows keys, caches and refusals; it knows no tokens and no tensors. */
import { Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import type { EdgeTypes } from './env.ts';
import { onError, onMethodNotAllowed, onNotFound } from './middleware/errors.ts';
import { requestId } from './middleware/request-id.ts';
import { trace } from './middleware/trace.ts';
import { generationRoutes } from './routes/generations.ts';
import { modelRoutes } from './routes/models.ts';
import { openaiRoutes } from './routes/openai.ts';
import { resumeRoutes } from './routes/resume.ts';

/** The whole app, for the Worker and for tests. */
export function createApp(): Hono<EdgeTypes> {
  const app = new Hono<EdgeTypes>();
  app.onError(onError);
  app.notFound(onNotFound);
  app.use(requestId());
  app.use(trace());
  app.use(methodNotAllowed({ app, onMethodNotAllowed }));
  app.route('/', generationRoutes());
  app.route('/', resumeRoutes());
  app.route('/', modelRoutes());
  app.route('/', openaiRoutes());
  return app;
}

export { Ledger } from './ledger/ledger.ts';

// The form workerd wants its entry in.
export default createApp();

/**
 * What an orchestrator asks: is the process alive, does it take work, what has it counted.
 */
import { Hono } from 'hono';
import type { Dispatch } from '../dispatch/dispatch.ts';

/** Routes GET /healthz (always 200), /readyz (503 while loading or draining; how each model stands), /metrics (Prometheus text). */
export function health(dispatch: Pick<Dispatch, 'unready' | 'states'>, metrics: () => string | Promise<string>): Hono {
  const app = new Hono();
  app.get('/healthz', (c) => c.json({ status: 'alive' }));
  app.get('/readyz', (c) => {
    const reason = dispatch.unready();
    return c.json({ status: reason ?? 'ready', models: dispatch.states?.() }, reason === undefined ? 200 : 503);
  });
  app.get('/metrics', async (c) => c.text(await metrics(), 200, { 'content-type': 'text/plain; version=0.0.4' }));
  return app;
}

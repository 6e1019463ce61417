/**
 * GET /models: what the edge needs to know of each model to validate and price a request.
 */
import type { Context } from 'hono';
import type { Dispatch } from '../dispatch/dispatch.ts';

/** Handler of GET /models: ModelSummary[], or 503 while loading: an empty list would be remembered. */
export function models(dispatch: Pick<Dispatch, 'models'>) {
  return function modelsHandler(c: Context): Response {
    return c.json(dispatch.models());
  };
}

import type { Context, MiddlewareHandler } from 'hono';
import type { EdgeTypes } from '../env.ts';

/** The administrator has no business in a browser. */
const NEVER = '/v1/admin/';

/** The last one is all others: clients of other APIs send headers of their own that mean nothing here. It does not stand for the first. */
const ALLOWED_HEADERS = ['authorization', 'content-type', 'idempotency-key', 'last-event-id', '*'].join(', ');
const ALLOWED_METHODS = 'GET, POST, PUT, DELETE';
const EXPOSED_HEADERS = [
  ...['age', 'cache-status', 'idempotent-replayed', 'payment-required', 'payment-response', 'ratelimit'],
  ...['ratelimit-policy', 'retry-after', 'server-timing', 'www-authenticate', 'x-request-id'],
].join(', ');
/** The longest that browsers remember it. */
const MAX_AGE_S = '7200';

/**
 * Which web pages may read answers: those of CORS_ORIGINS, and of a publishable key those of its origins (`c.var.corsOrigin`).
 *
 * A preflight comes without a key, so it cannot be known whose pages it concerns; all are answered alike. That gives nothing away:
 * it only lets a page send its request, and there are no cookies here. A page without a key is refused, one with somebody's
 * publishable key is refused by its origin, and no page may read an answer that is not for it.
 */
export function cors(): MiddlewareHandler<EdgeTypes> {
  return async function cors(c, next) {
    if (c.req.path.startsWith(NEVER)) return next();
    if (isPreflight(c)) return preflight();
    await next();
    const { headers } = c.res;
    const allowed = allowedOrigin(c);
    // Also where none is allowed: what is kept of this answer is not one for another page.
    if (allowed !== '*') headers.append('vary', 'Origin');
    if (allowed === undefined) return;
    headers.set('access-control-allow-origin', allowed);
    headers.set('access-control-expose-headers', EXPOSED_HEADERS);
  };
}

function isPreflight(c: Context<EdgeTypes>): boolean {
  const asks = c.req.header('access-control-request-method');
  return c.req.method === 'OPTIONS' && c.req.header('origin') !== undefined && asks !== undefined;
}

function preflight(): Response {
  const headers = {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': ALLOWED_METHODS,
    'access-control-allow-headers': ALLOWED_HEADERS,
    'access-control-max-age': MAX_AGE_S,
  };
  return new Response(null, { status: 204, headers });
}

function allowedOrigin(c: Context<EdgeTypes>): string | undefined {
  const listed = (c.env.CORS_ORIGINS ?? '').split(',').map((origin) => origin.trim());
  const configured = listed.filter((origin) => origin !== '');
  if (configured.includes('*')) return '*';
  if (c.get('corsOrigin') !== undefined) return c.get('corsOrigin');
  const origin = c.req.header('origin');
  return origin !== undefined && configured.includes(origin) ? origin : undefined;
}

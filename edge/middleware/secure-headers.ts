import type { MiddlewareHandler } from 'hono';
import type { EdgeTypes } from '../env.ts';

/** Answers are data: no page may run, frame or sniff them. */
const HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
  'x-content-type-options': 'nosniff',
};

/** Gives every answer the headers above, where its route (a page of documentation, say) did not choose another value. */
export function secureHeaders(): MiddlewareHandler<EdgeTypes> {
  return async function secureHeaders(c, next) {
    await next();
    const { headers } = c.res;
    for (const [name, value] of Object.entries(HEADERS)) if (!headers.has(name)) headers.set(name, value);
  };
}

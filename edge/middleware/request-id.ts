import type { MiddlewareHandler } from 'hono';
import type { EdgeTypes } from '../env.ts';
import { requestIdentifier } from '../identifier.ts';

/** Gives every request an identifier of ours and every answer, problems too, the header `x-request-id`. */
export function requestId(): MiddlewareHandler<EdgeTypes> {
  return async function requestId(c, next) {
    c.set('requestId', requestIdentifier());
    await next();
    c.res.headers.set('x-request-id', c.get('requestId'));
  };
}

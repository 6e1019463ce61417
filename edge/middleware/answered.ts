import type { MiddlewareHandler } from 'hono';
import type { EdgeTypes } from '../env.ts';
import type { RateState } from '../ledger/protocol.ts';
import { startTiming } from '../watching/timing.ts';

/** Gives every answer, problems too, the headers that say how it was come by: `Server-Timing` and, of a key's requests, its rate limit. */
export function answered(): MiddlewareHandler<EdgeTypes> {
  return async function answered(c, next) {
    const timing = startTiming();
    c.set('timing', timing);
    await next();
    const { headers } = c.res;
    headers.set('server-timing', timing.header());
    // Not `c.var`, which makes an object of all variables each time it is read.
    const rate = c.get('rate');
    if (rate === undefined) return;
    headers.set('ratelimit-policy', `"key";q=${rate.limit};w=${rate.window}`);
    headers.set('ratelimit', rateLimit(rate));
  };
}

/** draft-ietf-httpapi-ratelimit-headers-11: requests that are left, and the seconds until there are as many as there can be. */
function rateLimit({ remaining, reset }: RateState): string {
  return `"key";r=${Math.max(0, Math.floor(remaining))};t=${Math.max(0, Math.ceil(reset))}`;
}

import { Hono } from 'hono/tiny';
import { latestRequests } from '../billing/requests.ts';
import type { EdgeTypes } from '../env.ts';
import { authenticate } from '../middleware/authenticate.ts';
import { reached } from '../reached.ts';
import { modeAsked } from '../requests/mode.ts';
import { readPage, shownPage } from '../requests/query.ts';

/** `GET /v1/requests`: the latest requests of the account, and what each did cost. */
export function requestRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>().get('/v1/requests', authenticate('usage'), async (c) => {
    const page = readPage(c, ['mode']);
    const mode = modeAsked(c, page.mode);
    const sought = { after: page.after, limit: page.limit + 1 };
    const requests = await reached('D1', () => latestRequests(c.env, c.var.caller.account, mode, sought));
    return c.json({ ...shownPage(requests, page), mode }, 200, { 'cache-control': 'no-store' });
  });
}

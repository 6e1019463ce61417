import { Hono } from 'hono/tiny';
import { problem } from '../../shared/contract/problem.ts';
import { readAudit } from '../audit.ts';
import type { EdgeTypes } from '../env.ts';
import { shownTime } from '../keys/shown.ts';
import { authenticate } from '../middleware/authenticate.ts';
import { reached } from '../reached.ts';
import { readPage, shownPage } from '../requests/query.ts';
import { visibleMode } from './keys.ts';

/** `GET /v1/audit`: who changed what of the account, newest first. */
export function auditRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>().get('/v1/audit', authenticate('keys'), async (c) => {
    const page = readPage(c);
    if (page.after !== undefined && !/^\d{1,15}$/.test(page.after)) {
      throw problem('invalid_request', 'after must be the id of an entry.', { pointer: '/after' });
    }
    const before = page.after === undefined ? undefined : Number(page.after);
    const sought = { mode: visibleMode(c), before, limit: page.limit + 1 };
    const rows = await reached('D1', () => readAudit(c.env.DB, c.var.caller.account, sought));
    const data = rows.map(({ seq, at, actor, action, target, request, details }) => {
      return { object: 'audit_entry', id: String(seq), at: shownTime(at), actor, action, target, request, details };
    });
    return c.json(shownPage(data, page), 200, { 'cache-control': 'no-store' });
  });
}

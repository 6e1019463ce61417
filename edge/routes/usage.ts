import type { Context } from 'hono';
import { Hono } from 'hono/tiny';
import { daysOf } from '../billing/days.ts';
import { GROUPS, readUsage, total, usageCsv } from '../billing/usage.ts';
import type { EdgeTypes } from '../env.ts';
import { authenticate } from '../middleware/authenticate.ts';
import { reached } from '../reached.ts';
import { modeAsked } from '../requests/mode.ts';
import { oneOf, readQueryOf } from '../requests/query.ts';

const PARAMETERS = ['from', 'to', 'group', 'format', 'mode'] as const;

/** `GET /v1/usage`: requests, texts, work and what they cost, by day, key, model or preset; as JSON or for a spreadsheet. */
export function usageRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>().get('/v1/usage', authenticate('usage'), answer);
}

async function answer(c: Context<EdgeTypes>): Promise<Response> {
  const query = readQueryOf(c, PARAMETERS);
  const group = oneOf('group', GROUPS, query.group ?? 'day');
  const format = oneOf('format', ['json', 'csv'], query.format ?? 'json');
  const mode = modeAsked(c, query.mode);
  const span = daysOf(query.from, query.to);
  const { account } = c.var.caller;
  const rows = await reached('D1', () => readUsage(c.env, { account, mode, group, ...span }));
  const [from, to] = [span.start, span.end - 1].map((time) => new Date(time).toISOString().slice(0, 10));
  if (format === 'csv') {
    return c.body(usageCsv(group, rows), 200, {
      'cache-control': 'no-store',
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': `attachment; filename="usage-${mode}-${from}-${to}-by-${group}.csv"`,
    });
  }
  const data = rows.map(({ group: name, ...row }) => ({ [group]: name, ...row }));
  return c.json({ object: 'usage', mode, from, to, group, data, total: total(rows) }, 200, NO_STORE);
}

const NO_STORE = { 'cache-control': 'no-store' };

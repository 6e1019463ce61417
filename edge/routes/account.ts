import type { Context } from 'hono';
import { Hono } from 'hono/tiny';
import { monthOf } from '../billing/days.ts';
import { readStatement } from '../billing/statement.ts';
import { catchUp } from '../billing/statements.ts';
import type { EdgeTypes } from '../env.ts';
import { ledgerOf } from '../ledger/ledger-of.ts';
import { authenticate } from '../middleware/authenticate.ts';
import { reached } from '../reached.ts';
import { modeAsked } from '../requests/mode.ts';
import { readQueryOf, wholeOf } from '../requests/query.ts';

const NO_STORE = { 'cache-control': 'no-store' };
/** Entries of a page, and most of one. */
const PAGE = 100;
const MOST = 500;

/** What an account has and how it came to it: `GET /v1/balance`, `/v1/entries` and `/v1/statements/{month}`. */
export function accountRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>()
    .get('/v1/balance', authenticate('usage'), balance)
    .get('/v1/entries', authenticate('usage'), entries)
    .get('/v1/statements/:month', authenticate('usage'), (c) => statement(c, c.req.param('month')));
}

async function balance(c: Context<EdgeTypes>): Promise<Response> {
  const mode = modeAsked(c, readQueryOf(c, ['mode']).mode);
  const ledger = ledgerOf(c.env, c.var.caller.account, mode);
  const { balance, held } = await reached('the ledger', () => ledger.balance());
  const amounts = { balance, held, available: balance - held };
  return c.json({ object: 'balance', mode, currency: 'usd', unit: 'micro_dollars', ...amounts }, 200, NO_STORE);
}

async function entries(c: Context<EdgeTypes>): Promise<Response> {
  const query = readQueryOf(c, ['mode', 'after', 'limit']);
  const mode = modeAsked(c, query.mode);
  const after = wholeOf('after', query.after ?? '0', 0, Number.MAX_SAFE_INTEGER);
  const limit = wholeOf('limit', query.limit ?? String(PAGE), 1, MOST);
  const ledger = ledgerOf(c.env, c.var.caller.account, mode);
  const found = await reached('the ledger', () => ledger.entries(after, limit + 1));
  const data = found.slice(0, limit);
  return c.json({ object: 'list', mode, data, has_more: found.length > limit }, 200, NO_STORE);
}

async function statement(c: Context<EdgeTypes>, month: string): Promise<Response> {
  const mode = modeAsked(c, readQueryOf(c, ['mode']).mode);
  const span = monthOf(month);
  const { account } = c.var.caller;
  const ledger = ledgerOf(c.env, account, mode);
  const complete = await reached('the ledger or D1', () => catchUp(c.env, ledger, account, mode));
  const sums = await reached('D1', () => readStatement(c.env, account, mode, span));
  const head = { object: 'statement', month, mode, currency: 'usd', unit: 'micro_dollars' };
  // Of a month that is not over, or of an account with very many entries still to come from its queue, more may follow.
  return c.json({ ...head, ...sums, complete: complete && span.end <= Date.now() }, 200, NO_STORE);
}

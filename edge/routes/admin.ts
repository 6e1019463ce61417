import type { Context } from 'hono';
import { Hono } from 'hono/tiny';
import * as v from 'valibot';
import { problem } from '../../shared/contract/problem.ts';
import { type Account, balancesOf, changeAccount, MODES, openAccount, readAccount } from '../accounts.ts';
import { type Actor, auditRow, type Change, logChange } from '../audit.ts';
import { SCOPES } from '../caller.ts';
import type { EdgeTypes } from '../env.ts';
import { askedKey } from '../keys/asked.ts';
import { createKey } from '../keys/change.ts';
import { shownKey, shownNewKey, shownTime } from '../keys/shown.ts';
import { activeKeys } from '../keys/stored.ts';
import { ledgerOf } from '../ledger/ledger-of.ts';
import { administrator } from '../middleware/administrator.ts';
import { jsonBody } from '../middleware/body.ts';
import { reached } from '../reached.ts';
import { validate } from '../requests/validate.ts';
import { KEY_BODY_BYTES } from './keys.ts';

const MOST_MICRO_DOLLARS = 1_000_000_000_000;
const amount = v.pipe(v.number(), v.integer(), v.minValue(-MOST_MICRO_DOLLARS), v.maxValue(MOST_MICRO_DOLLARS));
const grant = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MOST_MICRO_DOLLARS));

export const accountSchema = v.strictObject({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  email: v.optional(v.pipe(v.string(), v.minLength(3), v.maxLength(254))),
  grant_micro_dollars: v.optional(v.strictObject({ live: v.optional(grant), test: v.optional(grant) }), {}),
  log_prompts: v.optional(v.boolean(), false),
  keys: v.optional(v.pipe(v.array(v.picklist(['live', 'test'])), v.maxLength(2)), [...MODES]),
});

export const changeSchema = v.strictObject({ log_prompts: v.optional(v.boolean()), closed: v.optional(v.boolean()) });

export const creditSchema = v.strictObject({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
  mode: v.picklist(['live', 'test']),
  kind: v.picklist(['grant', 'adjustment', 'refund']),
  micro_dollars: amount,
});

/** `/v1/admin`: opens accounts and gives them credit; for who runs this deployment. */
export function adminRoutes(): Hono<EdgeTypes> {
  const body = jsonBody({ limit: KEY_BODY_BYTES });
  return new Hono<EdgeTypes>()
    .post('/v1/admin/accounts', administrator(), body, async (c) => {
      const { grant_micro_dollars: grants, log_prompts: logPrompts, ...asked } = validate(accountSchema, c.var.body);
      const { account, keys } = await openAccount(c.env, by(c), { ...asked, grants, logPrompts });
      return c.json({ ...(await shownAccount(c, account)), keys: keys.map(shownNewKey) }, 201, NO_STORE);
    })
    .get('/v1/admin/accounts/:id', administrator(), async (c) => {
      const account = await namedAccount(c);
      const keys = await reached('D1', () => activeKeys(c.env.DB, account.id));
      return c.json({ ...(await shownAccount(c, account)), keys: keys.map(shownKey) }, 200, NO_STORE);
    })
    .patch('/v1/admin/accounts/:id', administrator(), body, async (c) => {
      const { log_prompts: logPrompts, closed } = validate(changeSchema, c.var.body);
      const changed = await changeAccount(c.env, by(c), await namedAccount(c), { logPrompts, closed });
      return c.json(await shownAccount(c, changed), 200, NO_STORE);
    })
    .post('/v1/admin/accounts/:id/keys', administrator(), body, async (c) => {
      const { id: account } = await namedAccount(c);
      const made = await createKey(c.env, by(c), askedKey(c.var.body, { account, mode: 'live', scopes: SCOPES }));
      return c.json(shownNewKey(made), 201, NO_STORE);
    })
    .post('/v1/admin/accounts/:id/credits', administrator(), body, credit);
}

const NO_STORE = { 'cache-control': 'no-store' };

/** Money first, and once for each id: where its audit row fails, the same request again adds the row and no money. */
async function credit(c: Context<EdgeTypes>): Promise<Response> {
  const { id, mode, kind, micro_dollars } = validate(creditSchema, c.var.body);
  if (kind !== 'adjustment' && micro_dollars <= 0) {
    const detail = `The field /micro_dollars must be more than 0 for a ${kind}; only an adjustment may take away.`;
    throw problem('invalid_request', detail, { pointer: '/micro_dollars' });
  }
  const { id: account } = await namedAccount(c);
  // Apart from the ids of requests and payments, which no administrator may use up.
  const target = `admin_${id}`;
  const ledger = ledgerOf(c.env, account, mode);
  const done = await reached('the ledger', async () => await ledger.credit(target, kind, micro_dollars));
  const details = { kind, micro_dollars: done.credited };
  const change: Change = { ...by(c), account, mode, action: 'credit.added', target, details };
  await reached('D1', () => auditRow(c.env.DB, change).run());
  logChange(change);
  const shown = { account, mode, credited_micro_dollars: done.credited, ...shownBalance(done) };
  return c.json(shown, 200, NO_STORE);
}

function by(c: Context<EdgeTypes>): Actor {
  return { actor: 'admin', request: c.var.requestId };
}

async function namedAccount(c: Context<EdgeTypes>): Promise<Account> {
  const id = c.req.param('id') ?? '';
  const account = await readAccount(c.env, id);
  if (account === undefined)
    throw problem('unknown_account', `There is no account ${JSON.stringify(id.slice(0, 40))}.`);
  return account;
}

async function shownAccount(c: Context<EdgeTypes>, { id, name, email, logPrompts, created, closed }: Account) {
  const { live, test } = await balancesOf(c.env, id);
  return {
    object: 'account',
    id,
    name,
    email: email ?? null,
    log_prompts: logPrompts,
    created_at: shownTime(created),
    closed_at: shownTime(closed),
    balances: { live: shownBalance(live), test: shownBalance(test) },
  };
}

function shownBalance({ balance, held }: { readonly balance: number; readonly held: number }) {
  return { balance_micro_dollars: balance, held_micro_dollars: held };
}

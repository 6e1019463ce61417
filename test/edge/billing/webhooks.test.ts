/** Stripe's events as money: signed by Stripe's own package, delivered in all the ways that networks have. */
import fc from 'fast-check';
import Stripe from 'stripe';
import { beforeEach, describe, expect, it } from 'vitest';
import { verifyStripe } from '../../../edge/billing/stripe-signature.ts';
import { edge, GRANT } from '../upstream.ts';
import { emptyTables, rowsOf } from './bindings.ts';

beforeEach(emptyTables);

const SECRET = 'whsec_of_this_test';
const stripe = new Stripe('sk_test_of_this_test');
const DOLLAR = 1_000_000;

interface Signing {
  secret?: string;
  /** Unix seconds. */
  timestamp?: number;
}

const sign = (payload: string, { secret = SECRET, timestamp }: Signing = {}) =>
  stripe.webhooks.generateTestHeaderStringAsync({ payload, secret, ...(timestamp && { timestamp }) });

let events = 0;

function event(type: string, object: object, more: object = {}) {
  return {
    ...{ id: `evt_${events++}`, object: 'event', api_version: '2025-03-31.basil', type, livemode: true },
    ...{ created: Math.floor(Date.now() / 1000), pending_webhooks: 1, request: { id: null, idempotency_key: null } },
    data: { object },
    ...more,
  };
}

/** A paid session for 5 dollars, as Stripe sends it (recorded; fields that nobody reads are left out). */
function session(account: string, changes: object = {}) {
  const metadata = { maskwright_account: account, maskwright_micro_dollars: String(5 * DOLLAR) };
  return {
    ...{ id: `cs_live_${account}`, object: 'checkout.session', mode: 'payment', status: 'complete' },
    ...{
      amount_subtotal: 500,
      amount_total: 500,
      currency: 'usd',
      payment_status: 'paid',
      client_reference_id: account,
    },
    ...{ customer: `cus_${account}`, payment_intent: `pi_${account}`, metadata },
    ...changes,
  };
}

/** `charge.refunded`: of so many cents, this one included; before it so many. */
function refunded(account: string, until: number, before: number, changes: object = {}) {
  const charge = {
    ...{
      id: `ch_${account}`,
      object: 'charge',
      amount: 500,
      amount_refunded: until,
      refunded: until === 500,
      currency: 'usd',
    },
    ...{ payment_intent: `pi_${account}`, metadata: { maskwright_account: account } },
    ...changes,
  };
  return event('charge.refunded', charge, {
    data: { object: charge, previous_attributes: { amount_refunded: before, refunded: false } },
  });
}

/** An account that Stripe tells of. */
async function told() {
  const running = await edge();
  Object.assign(running.env, { STRIPE_WEBHOOK_SECRET: SECRET });
  const { id: account } = running.account;
  const post = async (body: string, signature: string) => {
    const headers = { 'stripe-signature': signature };
    const response = await running.send('/v1/webhooks/stripe', { method: 'POST', body, headers });
    const { outcome, code } = (await response.json()) as { outcome?: string; code?: string };
    return [response.status, outcome ?? code];
  };
  const tell = async (what: object, signing?: Signing) => {
    const body = JSON.stringify(what);
    return await post(body, await sign(body, signing));
  };
  const balance = async (mode = 'live') => {
    const response = await running.fetch(`/v1/balance?mode=${mode}`);
    return ((await response.json()) as { balance: number }).balance - GRANT;
  };
  return { ...running, account, post, tell, balance };
}

const COMPLETED = 'checkout.session.completed';

describe('a signature of Stripe', () => {
  const now = 1_764_100_000;
  const body = new TextEncoder().encode('{"id":"evt_1"}');
  const text = '{"id":"evt_1"}';
  const verify = (header: string | undefined, secrets = SECRET) => verifyStripe(secrets, header, body, now * 1000);

  it('is accepted from Stripe’s own package, within five minutes', async () => {
    for (const timestamp of [now - 300, now, now + 300]) await verify(await sign(text, { timestamp }));
  });

  it('is one of several, of one of two secrets', async () => {
    const right = await sign(text, { timestamp: now });
    const other = await sign(text, { timestamp: now, secret: 'whsec_other' });
    const both = `${other},v0=00,${right.split(',')[1]}`;
    await verify(both);
    await verify(right, `whsec_new, ${SECRET}`);
    await verify(right, `${SECRET},whsec_new`);
    await verify(right, `,${SECRET},`);
  });

  it('is refused where it is missing, stale, of another secret or body', async () => {
    const right = await sign(text, { timestamp: now });
    const [time, v1] = right.split(',');
    const bad = [
      ...[
        undefined,
        '',
        'x',
        time,
        v1,
        `${time},v1=`,
        `${time},v1=zz`,
        `${time},v0=${v1.slice(3)}`,
        `t=,${v1}`,
        `t=1e9,${v1}`,
      ],
      `t=${now - 1},${v1}`,
      `${time},${v1.slice(0, -2)}`,
      await sign(text, { timestamp: now - 301 }),
      await sign(text, { timestamp: now + 301 }),
      await sign(text, { timestamp: now, secret: 'whsec_other' }),
      await sign(`${text} `, { timestamp: now }),
    ];
    for (const header of bad) {
      await expect(verify(header), String(header)).rejects.toMatchObject({ problem: { code: 'bad_signature' } });
    }
  });

  it('is refused where there is no secret', async () => {
    await expect(verify(await sign(text, { timestamp: now }), '')).rejects.toMatchObject({
      problem: { code: 'bad_signature' },
    });
  });

  it('agrees with Stripe’s own package on any body', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 1 }), async (payload, secret) => {
        fc.pre(!secret.includes(',') && secret.trim() === secret && payload.isWellFormed());
        const header = await sign(payload, { secret, timestamp: now });
        await verifyStripe(secret, header, new TextEncoder().encode(payload), now * 1000);
      }),
    );
  });
});

describe('POST /v1/webhooks/stripe', () => {
  it('is not there where it is not configured', async () => {
    const { send } = await edge();
    expect((await send('/v1/webhooks/stripe', { method: 'POST', body: '{}' })).status).toBe(501);
  });

  it('takes nothing that is not signed', async () => {
    const { post, tell, balance, account } = await told();
    const body = JSON.stringify(event(COMPLETED, session(account)));
    expect(await post(body, 't=1,v1=00')).toEqual([401, 'bad_signature']);
    expect(await post(body.replace('500', '900'), await sign(body))).toEqual([401, 'bad_signature']);
    expect(await tell(JSON.parse(body), { timestamp: Math.floor(Date.now() / 1000) - 400 })).toEqual([
      401,
      'bad_signature',
    ]);
    expect(await post('[', await sign('['))).toEqual([400, 'malformed_json']);
    expect(await balance()).toBe(0);
  });

  it('credits what was paid once, however often and by whichever event it is told', async () => {
    const { tell, balance, account, fetch } = await told();
    const paid = event(COMPLETED, session(account));
    for (let i = 0; i < 3; i++) expect(await tell(paid)).toEqual([200, 'credited']);
    await Promise.all(Array.from({ length: 4 }, () => tell(event(COMPLETED, session(account)))));
    await tell(event('checkout.session.async_payment_succeeded', session(account)));
    expect(await balance()).toBe(5 * DOLLAR);
    const { data } = (await (await fetch('/v1/entries?after=1')).json()) as { data: object[] };
    expect(data).toMatchObject([{ id: `cs_live_${account}`, kind: 'top_up', amount: 5 * DOLLAR }]);
    expect(await rowsOf('SELECT account, mode, customer FROM stripe_customers')).toEqual([
      { account, mode: 'live', customer: `cus_${account}` },
    ]);
  });

  it('credits a payment that takes days when it arrives, not before', async () => {
    const { tell, balance, account } = await told();
    const unpaid = session(account, { payment_status: 'unpaid' });
    expect(await tell(event(COMPLETED, unpaid))).toEqual([200, 'ignored']);
    expect(await tell(event('checkout.session.async_payment_failed', unpaid))).toEqual([200, 'ignored']);
    expect(await balance()).toBe(0);
    expect(await tell(event('checkout.session.async_payment_succeeded', session(account)))).toEqual([200, 'credited']);
    expect(await balance()).toBe(5 * DOLLAR);
  });

  it('keeps play money from live ledgers', async () => {
    const { tell, balance, account } = await told();
    expect(await tell(event(COMPLETED, session(account), { livemode: false }))).toEqual([200, 'credited']);
    expect([await balance('live'), await balance('test')]).toEqual([0, 5 * DOLLAR]);
  });

  it('refuses for good what can never be, and ignores what is not ours', async () => {
    const { tell, balance, account } = await told();
    const { metadata } = session(account);
    const cases: [object, string][] = [
      [session(account, { currency: 'eur' }), 'refused'],
      [session(account, { amount_total: 499 }), 'refused'],
      [session(account, { amount_total: 50_000 }), 'refused'],
      [session(account, { amount_total: null }), 'refused'],
      [session(account, { amount_total: 0, metadata: { ...metadata, maskwright_micro_dollars: '0' } }), 'refused'],
      [
        session(account, { amount_total: -500, metadata: { ...metadata, maskwright_micro_dollars: '-5000000' } }),
        'refused',
      ],
      [session(account, { client_reference_id: 'acc_other' }), 'refused'],
      [session(account, { payment_intent: null }), 'refused'],
      [session('acc_nobody'), 'refused'],
      [session(account, { metadata: {} }), 'ignored'],
      [session(account, { metadata: null }), 'ignored'],
      [session(account, { mode: 'subscription' }), 'ignored'],
    ];
    for (const [object, outcome] of cases) expect(await tell(event(COMPLETED, object))).toEqual([200, outcome]);
    expect(await tell(event('invoice.paid', {}))).toEqual([200, 'ignored']);
    expect(await tell({})).toEqual([200, 'ignored']);
    expect(await tell(event(COMPLETED, {}, { data: null }))).toEqual([200, 'ignored']);
    expect([await balance(), await balance('test')]).toEqual([0, 0]);
  });

  it('takes back what was refunded, in parts and in any order, each part once', async () => {
    const parts = [
      [100, 0],
      [250, 100],
      [500, 250],
    ];
    for (const order of [
      [0, 1, 2],
      [2, 0, 1],
      [1, 2, 0, 1, 2],
    ]) {
      const { tell, balance, account } = await told();
      await tell(event(COMPLETED, session(account)));
      for (const n of order) expect(await tell(refunded(account, parts[n][0], parts[n][1]))).toEqual([200, 'refunded']);
      expect(await balance()).toBe(0);
    }
  });

  it('lets a refund come again that comes before its payment', async () => {
    const { tell, balance, account } = await told();
    expect(await tell(refunded(account, 100, 0))).toEqual([503, 'ledger_unavailable']);
    expect(await balance()).toBe(0);
    await tell(event(COMPLETED, session(account)));
    expect(await tell(refunded(account, 100, 0))).toEqual([200, 'refunded']);
    expect(await balance()).toBe(4 * DOLLAR);
  });

  it('refuses a refund that cannot be read, or is of other money', async () => {
    const { tell, balance, account } = await told();
    await tell(event(COMPLETED, session(account)));
    expect(await tell(refunded(account, 100, 0, { currency: 'eur' }))).toEqual([200, 'refused']);
    expect(await tell(refunded(account, 100, 100))).toEqual([200, 'refused']);
    expect(await tell({ ...refunded(account, 100, 0), livemode: false })).toEqual([200, 'refused']);
    const silent = refunded(account, 100, 0);
    expect(await tell({ ...silent, data: { object: silent.data.object } })).toEqual([200, 'refused']);
    expect(await tell(refunded(account, 100, 0, { metadata: {} }))).toEqual([200, 'ignored']);
    expect(await balance()).toBe(5 * DOLLAR);
  });

  it('is told again where D1 or the ledger cannot be reached, and then credits once', async () => {
    const { tell, balance, account, env } = await told();
    const { DB, LEDGER } = env;
    const paid = event(COMPLETED, session(account));
    const down = () => Promise.reject(new Error('down'));
    Object.assign(env, { LEDGER: { getByName: () => ({ credit: down }) } });
    expect(await tell(paid)).toEqual([503, 'ledger_unavailable']);
    Object.assign(env, { LEDGER, DB: { prepare: () => ({ bind: () => ({ first: down, run: down }) }) } });
    expect(await tell(paid)).toEqual([503, 'ledger_unavailable']);
    Object.assign(env, { DB });
    expect(await tell(paid)).toEqual([200, 'credited']);
    expect(await balance()).toBe(5 * DOLLAR);
  });
});

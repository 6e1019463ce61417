/** Pages to pay on: what Stripe is asked is what its own package would ask, and whatever it answers is an answer of ours. */
import Stripe from 'stripe';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { edge } from '../upstream.ts';
import { formOf, onlyReach, stripeError } from './stand-ins.ts';

afterEach(() => vi.restoreAllMocks());

const body = {
  amount_micro_dollars: 25_000_000,
  success_url: 'https://shop.example/paid?session={CHECKOUT_SESSION_ID}',
  cancel_url: 'https://shop.example/back',
};

/** An edge that takes live payments, and what its Stripe was asked. The answer is recorded, shortened. */
async function selling(settings: object = { STRIPE_SECRET_KEY: 'sk_live_of_this_test' }) {
  const running = await edge();
  Object.assign(running.env, { STRIPE_API_URL: 'https://stripe.invalid', ...settings });
  const asked: { path: string; headers: Headers; form: Record<string, string> }[] = [];
  const state = { answer: undefined as Response | undefined, down: false };
  onlyReach({
    'stripe.invalid': async (request) => {
      const form = Object.fromEntries(await formOf(request));
      asked.push({ path: new URL(request.url).pathname, headers: request.headers, form });
      if (state.down) throw new Error('connection refused');
      return (
        state.answer ??
        Response.json({
          ...{ id: 'cs_live_a1', object: 'checkout.session', expires_at: 1_795_780_800, payment_status: 'unpaid' },
          ...{ url: 'https://checkout.stripe.com/c/pay/cs_live_a1', status: 'open', livemode: true, customer: null },
        })
      );
    },
  });
  const buy = async (changes: object = {}, headers: Record<string, string> = {}) => {
    const response = await running.fetch('/v1/top-ups', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ ...body, ...changes }),
    });
    return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
  };
  return { ...running, asked, state, buy };
}

describe('POST /v1/top-ups', () => {
  it('answers with the address of a page to pay on', async () => {
    const { buy } = await selling();
    expect(await buy()).toEqual({
      status: 201,
      answer: {
        ...{ object: 'top_up', id: 'cs_live_a1', url: 'https://checkout.stripe.com/c/pay/cs_live_a1', mode: 'live' },
        ...{ amount_micro_dollars: 25_000_000, expires_at: 1_795_780_800 },
      },
    });
  });

  it('asks Stripe what its own package asks', async () => {
    const { buy, asked, account } = await selling();
    await buy();
    const theirs = new Stripe('sk_live_of_this_test', {
      ...{ host: 'stripe.invalid', httpClient: Stripe.createFetchHttpClient(), maxNetworkRetries: 0 },
    });
    const params: Stripe.Checkout.SessionCreateParams = {
      mode: 'payment',
      client_reference_id: account.id,
      customer_creation: 'always',
      success_url: body.success_url,
      cancel_url: body.cancel_url,
      line_items: [
        {
          quantity: 1,
          price_data: { currency: 'usd', unit_amount: 2_500, product_data: { name: 'Maskwright credit' } },
        },
      ],
      adaptive_pricing: { enabled: false },
      metadata: { maskwright_account: account.id, maskwright_micro_dollars: '25000000' },
      payment_intent_data: { metadata: { maskwright_account: account.id } },
    };
    await theirs.checkout.sessions.create(params);
    const [ours, reference] = asked;
    expect(ours.path).toBe(reference.path);
    expect(ours.form).toEqual(reference.form);
    for (const header of ['authorization', 'content-type']) {
      expect(ours.headers.get(header)).toBe(reference.headers.get(header));
    }
  });

  it('names a customer that Stripe knows already', async () => {
    const { buy, asked, account, env } = await selling();
    await env.DB.prepare("INSERT INTO stripe_customers VALUES (?, 'live', 'cus_a')").bind(account.id).run();
    await buy();
    expect(asked[0].form).toMatchObject({ customer: 'cus_a' });
    expect(asked[0].form).not.toHaveProperty('customer_creation');
  });

  it('opens one page for one Idempotency-Key, which no other account shares', async () => {
    const first = await selling();
    await first.buy({}, { 'idempotency-key': 'order-1' });
    await first.buy({}, { 'idempotency-key': 'order-1' });
    await first.buy();
    const other = await selling();
    await other.buy({}, { 'idempotency-key': 'order-1' });
    const keys = [...first.asked, ...other.asked].map(({ headers }) => headers.get('idempotency-key') ?? '');
    expect(keys[0]).toBe(keys[1]);
    expect(new Set(keys).size).toBe(3);
    expect(keys.every((key) => key.length <= 255)).toBe(true);
  });

  it.each([
    ['less than a dollar', { amount_micro_dollars: 990_000 }, '/amount_micro_dollars'],
    ['more than ten thousand', { amount_micro_dollars: 10_000_010_000 }, '/amount_micro_dollars'],
    ['parts of a cent', { amount_micro_dollars: 1_000_001 }, '/amount_micro_dollars'],
    ['no number', { amount_micro_dollars: '5' }, '/amount_micro_dollars'],
    ['a page that is no address', { success_url: '/paid' }, '/success_url'],
    ['a page in the clear', { success_url: 'http://shop.example/' }, '/success_url'],
    ['a page that runs', { cancel_url: 'javascript:alert(1)' }, '/cancel_url'],
    ['a page that looks local', { cancel_url: 'http://localhost.evil.example/' }, '/cancel_url'],
    ['another field', { currency: 'eur' }, '/currency'],
  ])('refuses %s', async (_what, changes, pointer) => {
    const { buy, asked } = await selling();
    const { status, answer } = await buy(changes);
    expect([status, answer.pointer]).toEqual([400, pointer]);
    expect(asked).toEqual([]);
  });

  it('takes pages of one’s own machine', async () => {
    const { buy } = await selling();
    expect((await buy({ success_url: 'http://localhost:3000/', cancel_url: 'http://127.0.0.1/' })).status).toBe(201);
  });

  it('says what becomes of failures of Stripe', async () => {
    const { buy, state } = await selling();
    const answers: [Response | undefined, number, string][] = [
      [stripeError(400, 'No such currency'), 502, 'upstream_failed'],
      [stripeError(401, 'Invalid API Key'), 502, 'upstream_failed'],
      [new Response('oops', { status: 500 }), 502, 'upstream_failed'],
      [Response.json({ id: 'cs_1', url: null }), 502, 'upstream_failed'],
      [Response.json({ error: { type: 'idempotency_error' } }, { status: 400 }), 422, 'idempotency_mismatch'],
      [Response.json({ error: { type: 'idempotency_error' } }, { status: 409 }), 409, 'idempotency_in_progress'],
    ];
    for (const [answer, status, code] of answers) {
      state.answer = answer;
      expect(await buy()).toMatchObject({ status, answer: { code } });
    }
    state.down = true;
    expect(await buy()).toMatchObject({ status: 502, answer: { code: 'upstream_failed' } });
  });

  it('is not there without Stripe, nor for keys of the other mode', async () => {
    expect((await (await selling({})).buy()).status).toBe(501);
    const { buy, asked } = await selling({ STRIPE_SECRET_KEY: 'sk_test_of_this_test' });
    expect((await buy()).status).toBe(501);
    expect(asked).toEqual([]);
  });
});

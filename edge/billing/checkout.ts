/** Prepaid money by Stripe Checkout (https://docs.stripe.com/api/checkout/sessions/create): a page of Stripe's for one payment. */
import * as v from 'valibot';
import { sha256Hex } from '../../shared/contract/digest.ts';
import { type ProblemError, problem } from '../../shared/contract/problem.ts';
import type { Env } from '../env.ts';
import type { Mode } from '../ledger/protocol.ts';
import { reached } from '../reached.ts';
import { log } from '../watching/log.ts';
import { callStripe, type StripeAnswer } from './stripe.ts';

/** Stripe counts dollars in cents. */
export const MICRO_DOLLARS_PER_CENT = 10_000;
const LEAST = 1_000_000;
const MOST = 10_000_000_000;

/** What we write on a payment, to know it again: nobody but us can. */
export const ACCOUNT_METADATA = 'maskwright_account';
export const AMOUNT_METADATA = 'maskwright_micro_dollars';

/** Whole and secure, but for pages of one's own machine. */
const page = v.pipe(
  v.string(),
  v.maxLength(2_000),
  v.url(),
  v.regex(/^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)(:|\/|$))/),
);

export const topUpSchema = v.strictObject({
  amount_micro_dollars: v.pipe(v.number(), v.integer(), v.minValue(LEAST), v.maxValue(MOST)),
  /** Where Stripe's page leads when it is paid, and when it is not. */
  success_url: page,
  cancel_url: page,
});
export type TopUp = v.InferOutput<typeof topUpSchema>;

export interface Payer {
  readonly account: string;
  readonly mode: Mode;
  /** What makes the request the same as another one: its Idempotency-Key, or its id. */
  readonly request: string;
}

/**
 * Opens a page to pay on.
 * @throws ProblemError `not_configured` where the deployment takes no such payments, `upstream_failed` where Stripe fails
 */
export async function openCheckout(env: Env, { account, mode, request }: Payer, topUp: TopUp) {
  const { amount_micro_dollars: amount } = topUp;
  checkMode(env, mode);
  if (amount % MICRO_DOLLARS_PER_CENT !== 0) {
    const detail = `The field /amount_micro_dollars must be whole cents, a multiple of ${MICRO_DOLLARS_PER_CENT}; ${amount} was given.`;
    throw problem('invalid_request', detail, { pointer: '/amount_micro_dollars' });
  }
  const customer = await customerOf(env, account, mode);
  const key = `top-up-${await sha256Hex(JSON.stringify([account, mode, request]))}`;
  const { status, body } = await callStripe(env, '/v1/checkout/sessions', formOf(account, customer, topUp), key);
  if (status < 200 || status > 299) throw failure(status, body);
  const { id, url, expires_at: expires } = body;
  if (typeof id !== 'string' || typeof url !== 'string') throw failure(status, body);
  return { object: 'top_up' as const, id, url, amount_micro_dollars: amount, mode, expires_at: expires };
}

/** Play money is paid for with play money: keys of one mode never meet Stripe's of the other. */
function checkMode({ STRIPE_SECRET_KEY: key }: Env, mode: Mode): void {
  if (key === undefined) throw problem('not_configured', 'This deployment takes no payments.');
  const takes = /^(sk|rk)_live_/.test(key) ? 'live' : 'test';
  if (takes === mode) return;
  throw problem('not_configured', `This deployment takes payments for ${takes} keys; a ${mode} key was given.`);
}

async function customerOf(env: Env, account: string, mode: Mode): Promise<string | undefined> {
  const query = 'SELECT customer FROM stripe_customers WHERE account = ? AND mode = ?';
  const find = env.DB.prepare(query).bind(account, mode);
  return (await reached('D1', () => find.first<string>('customer'))) ?? undefined;
}

function formOf(account: string, customer: string | undefined, topUp: TopUp): Record<string, string> {
  const { amount_micro_dollars: amount, success_url, cancel_url } = topUp;
  return {
    mode: 'payment',
    client_reference_id: account,
    // Stripe's meters and invoices need to know who it is from the first payment on.
    ...(customer === undefined ? { customer_creation: 'always' } : { customer }),
    success_url,
    cancel_url,
    'line_items[0][quantity]': '1',
    'line_items[0][price_data][currency]': 'usd',
    'line_items[0][price_data][unit_amount]': String(amount / MICRO_DOLLARS_PER_CENT),
    'line_items[0][price_data][product_data][name]': 'Maskwright credit',
    // What is credited is dollars; converted prices would be others.
    'adaptive_pricing[enabled]': 'false',
    [`metadata[${ACCOUNT_METADATA}]`]: account,
    [`metadata[${AMOUNT_METADATA}]`]: String(amount),
    [`payment_intent_data[metadata][${ACCOUNT_METADATA}]`]: account,
  };
}

function failure(status: number, { error = {} }: StripeAnswer['body']): ProblemError {
  if (error.type === 'idempotency_error') {
    return status === 409
      ? problem('idempotency_in_progress', 'The request with this Idempotency-Key is still running.', { retryAfter: 1 })
      : problem('idempotency_mismatch', 'The Idempotency-Key was used for another top-up.');
  }
  log('error', 'Stripe did not open a page to pay on', { status, type: error.type, code: error.code });
  return problem('upstream_failed', 'The payment could not be begun; try again.', { retryAfter: 5 });
}

/** One call to Stripe's API: a form out, JSON back, and what its failures are to us. */
import type { Env } from '../env.ts';
import { RECEIVER_TIMEOUT_MS } from './adapter.ts';

/** The version of the API whose shapes are read here; without it an account's own default would decide. */
const STRIPE_VERSION = '2025-03-31.basil';
const STRIPE_API = 'https://api.stripe.com';

export interface StripeAnswer {
  /** 0 where there was none. */
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> & { readonly error?: StripeError };
}

export interface StripeError {
  readonly type?: string;
  readonly code?: string;
  readonly message?: string;
}

/** Sends a form to Stripe. It does not throw: no answer is an answer with status 0. */
export async function callStripe(
  env: Env,
  path: string,
  form: Readonly<Record<string, string>>,
  idempotencyKey?: string,
): Promise<StripeAnswer> {
  try {
    const response = await fetch(new URL(path, env.STRIPE_API_URL ?? STRIPE_API).href, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${env.STRIPE_SECRET_KEY}`,
        'content-type': 'application/x-www-form-urlencoded',
        'stripe-version': STRIPE_VERSION,
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      body: new URLSearchParams(form).toString(),
      signal: AbortSignal.timeout(RECEIVER_TIMEOUT_MS),
    });
    const body = await response.json().catch(() => ({}));
    return { status: response.status, body: (body ?? {}) as StripeAnswer['body'] };
  } catch (error) {
    return { status: 0, body: { error: { message: String(error) } } };
  }
}

import type { Context, MiddlewareHandler } from 'hono';
import { problem } from '../../shared/contract/problem.ts';
import { type PaidPurse, paidPurse } from '../billing/x402/purse.ts';
import {
  encodeHeader,
  REQUIRED_HEADER,
  RESPONSE_HEADER,
  type SettleResponse,
  SIGNATURE_HEADER,
  x402Settings,
} from '../billing/x402/wire.ts';
import type { Scope } from '../caller.ts';
import type { EdgeTypes } from '../env.ts';
import { authenticate } from './authenticate.ts';
import { problemResponse } from './errors.ts';

/** Longest wait for a settlement at the end of an answer: longer than a facilitator may take. */
const SETTLED_MS = 15_000;

/**
 * Lets holders of a key pass, and where x402 is configured those who pay for this one request. Who pays is an account that nobody else
 * has: his answers are cached for nobody, and a stream that he loses is lost.
 */
export function authenticateOrPay(scope: Scope): MiddlewareHandler<EdgeTypes> {
  const byKey = authenticate(scope);
  return async function authenticateOrPay(c, next) {
    const settings = x402Settings(c.env);
    if (settings === undefined || c.req.header('authorization') !== undefined) return await byKey(c, next);
    const owner = c.var.requestId.replace(/^req_/, 'x402_');
    const signature = c.req.header(SIGNATURE_HEADER);
    const purse = paidPurse({ env: c.env, settings, url: c.req.url, owner, signature });
    c.set('caller', { account: owner, mode: 'live', key: 'x402', scopes: [scope], purse, logsPrompts: false });
    await next();
    await answer(c, purse);
  };
}

async function answer(c: Context<EdgeTypes>, purse: PaidPurse): Promise<void> {
  const required = purse.required();
  if (required !== undefined && c.res.status === 402) c.res.headers.set(REQUIRED_HEADER, required);
  const { outcome } = purse;
  if (outcome === undefined) return;
  const { body } = c.res;
  if (body !== null && c.res.headers.get('content-type')?.startsWith('text/event-stream')) {
    c.res = new Response(
      withReceipt(body, () => within(outcome)),
      c.res,
    );
    return;
  }
  const settled = await within(outcome);
  if (settled === undefined) return;
  if (!settled.success) {
    await purse.withheld(c.var.requestId);
    const why = `it could not be settled (${String(settled.errorReason).slice(0, 100)})`;
    c.res = problemResponse(c, problem('payment_invalid', `The payment was not accepted: ${why}.`).problem);
  }
  c.res.headers.set(RESPONSE_HEADER, encodeHeader(settled));
}

function within(outcome: Promise<SettleResponse | undefined>): Promise<SettleResponse | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), SETTLED_MS);
  return Promise.race([outcome, late]).finally(() => clearTimeout(timer));
}

/** A stream that ends in a comment with what `PAYMENT-RESPONSE` would say: its headers were sent before that was known. */
function withReceipt(
  body: ReadableStream<Uint8Array>,
  receipt: () => Promise<SettleResponse | undefined>,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(value);
      const settled = await receipt();
      if (settled !== undefined) {
        const comment = `: ${RESPONSE_HEADER.toLowerCase()} ${encodeHeader(settled)}\n\n`;
        controller.enqueue(new TextEncoder().encode(comment));
      }
      controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

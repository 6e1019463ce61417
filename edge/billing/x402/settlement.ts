/** A payment on its way to the chain: once through the facilitator, and again where that did not come to an end. */
import type { Env } from '../../env.ts';
import { log } from '../../watching/log.ts';
import { settle } from './facilitator.ts';
import { close, type PaymentRow, postpone } from './payments.ts';
import type { PaymentPayload, Requirements, SettleResponse, X402Settings } from './wire.ts';

const FIRST_DELAY_MS = 5_000;
const LONGEST_DELAY_MS = 120_000;

/**
 * Settles a payment that is `settling`. It does not throw for failures of the facilitator: they are logged and tried again until
 * the payment expires.
 * @returns what the facilitator said; undefined where it said nothing
 */
export async function settlePayment(
  env: Env,
  settings: X402Settings,
  payment: PaymentRow,
  now: number = Date.now(),
): Promise<SettleResponse | undefined> {
  const { id, request, amount } = payment;
  const asked = { ...(JSON.parse(payment.requirements) as Requirements), amount: String(amount) };
  if (amount === 0) {
    // Nothing to bring to the chain: the payment runs out unused.
    const nothing = { success: true, transaction: '', network: asked.network, amount: '0' };
    await close(env.DB, id, 'settled', nothing);
    return nothing;
  }
  const payload = JSON.parse(payment.payload) as PaymentPayload;
  const answer = await settle(settings, payload, asked).catch(() => undefined);
  if (answer?.success === true) {
    await close(env.DB, id, 'settled', answer);
    return answer;
  }
  const reason = answer?.errorReason ?? 'no answer';
  const due = now + Math.min(FIRST_DELAY_MS * 2 ** payment.attempts, LONGEST_DELAY_MS);
  if (due >= payment.expires) await close(env.DB, id, 'lost', answer);
  else await postpone(env.DB, id, due, reason);
  const lost = due >= payment.expires;
  log('error', lost ? 'a payment is lost' : 'a payment was not settled', { request, payment: id, amount, reason });
  return answer;
}

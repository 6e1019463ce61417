/** What the clock does for payments: charges requests of which nobody said what became of them, and settles what did not settle. */
import type { JobWork } from '../../../shared/contract/job-work.ts';
import { priceOfAll } from '../../../shared/contract/price.ts';
import { workOf } from '../../backends/work.ts';
import type { Env } from '../../env.ts';
import { log } from '../../watching/log.ts';
import { beginSettling, claimDue, type PaymentRow, postpone, releasePayment } from './payments.ts';
import { settlePayment } from './settlement.ts';
import { type X402Settings, x402Settings } from './wire.ts';

/** Until a job that is running, or a service that is not there, is asked again. */
const AGAIN_MS = 30_000;
/** So long after its time no service could be asked: the request costs nothing then. */
const GIVEN_UP_ATTEMPTS = 15;

/** Looks at every payment whose time has passed. */
export async function collectPayments(env: Env, now: () => number = Date.now): Promise<void> {
  const settings = x402Settings(env);
  if (settings === undefined) return;
  for (;;) {
    const due = await claimDue(env.DB, now());
    if (due.length === 0) return;
    for (const payment of due) await collect(env, settings, payment, now());
  }
}

async function collect(env: Env, settings: X402Settings, payment: PaymentRow, now: number): Promise<void> {
  const { id, request, job, owner, attempts } = payment;
  if (payment.state === 'settling') {
    await settlePayment(env, settings, payment, now);
    return;
  }
  let work: JobWork | undefined;
  try {
    work = await workOf(env, { job, owner });
  } catch (error) {
    if (attempts + 1 < GIVEN_UP_ATTEMPTS) return await postpone(env.DB, id, now + AGAIN_MS, String(error));
    log('error', 'no service says what ran, so it costs nothing', { request, job, error: String(error) });
    return await releasePayment(env.DB, request);
  }
  if (work?.state === 'running') return await postpone(env.DB, id, now + AGAIN_MS);
  if (work === undefined || work.outcome === 'problem') return await releasePayment(env.DB, request);
  const ran = work.texts.reduce((sum, text) => sum + text.positions * text.denoising_steps, 0);
  const amount = priceOfAll({ computed: payment.computed_price, cached: 0 }, work.texts);
  const settling = await beginSettling(env.DB, request, { amount, work: ran }, now);
  if (settling !== null) await settlePayment(env, settings, settling, now);
}

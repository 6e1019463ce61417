/**
 * What Stripe tells of payments, as money in ledgers. Events come at least once and in any order; a ledger takes each payment and each
 * refund once, by an id that does not depend on the event that told of it.
 */
import { problem } from '../../shared/contract/problem.ts';
import type { Env } from '../env.ts';
import { ledgerOf } from '../ledger/ledger-of.ts';
import type { Mode } from '../ledger/protocol.ts';
import { reached } from '../reached.ts';
import { log } from '../watching/log.ts';
import { ACCOUNT_METADATA, AMOUNT_METADATA, MICRO_DOLLARS_PER_CENT } from './checkout.ts';

const CURRENCY = 'usd';

/** The fields that are read here of an event; whatever else it has. */
export interface StripeEvent {
  readonly id?: string;
  readonly type?: string;
  readonly livemode?: boolean;
  readonly data?: { readonly object?: StripeObject; readonly previous_attributes?: StripeObject };
}

interface StripeObject {
  readonly id?: string;
  readonly mode?: string;
  readonly payment_status?: string;
  readonly amount_total?: number;
  readonly amount_refunded?: number;
  readonly currency?: string;
  readonly client_reference_id?: string | null;
  readonly customer?: string | null;
  readonly payment_intent?: string | null;
  readonly metadata?: Readonly<Record<string, string>> | null;
}

/** `refused`: it can never be done, and somebody should look at the log. */
export type EventOutcome = 'credited' | 'refunded' | 'ignored' | 'refused';

/**
 * Does what an event says; what it said before is not done again.
 * @throws ProblemError where Stripe should send it again
 */
export async function takeEvent(env: Env, event: StripeEvent): Promise<EventOutcome> {
  switch (event.type) {
    case 'checkout.session.completed':
    case 'checkout.session.async_payment_succeeded':
      return await topUp(env, event);
    case 'charge.refunded':
      return await refund(env, event);
  }
  return 'ignored';
}

async function topUp(env: Env, event: StripeEvent): Promise<EventOutcome> {
  const session = event.data?.object ?? {};
  const account = session.metadata?.[ACCOUNT_METADATA];
  // Of something else that is sold by the same Stripe account, or not paid yet: then another event follows.
  if (account === undefined || session.mode !== 'payment' || session.payment_status !== 'paid') return 'ignored';
  const { id, payment_intent: intent, customer, currency, amount_total: cents = Number.NaN } = session;
  const amount = cents * MICRO_DOLLARS_PER_CENT;
  if (currency !== CURRENCY || String(amount) !== session.metadata?.[AMOUNT_METADATA] || amount <= 0) {
    return refused(event, 'the amount is not the one that was asked for', { currency, cents });
  }
  if (!id || !intent || session.client_reference_id !== account)
    return refused(event, 'the session is not one of ours');
  const mode = modeOf(event);
  const known = env.DB.prepare('SELECT 1 FROM accounts WHERE id = ?').bind(account);
  if ((await reached('D1', () => known.first())) === null)
    return refused(event, 'there is no such account', { account });
  // Before there is money to spend, so that no usage is without its customer.
  if (customer) await rememberCustomer(env, account, mode, customer);
  await reached('the ledger', () => ledgerOf(env, account, mode).credit(id, 'top_up', amount));
  const insert = env.DB.prepare('INSERT INTO top_ups VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING');
  await reached('D1', () => insert.bind(intent, account, mode, id, amount, Date.now()).run());
  log('info', 'topped up', { account, mode, amount, session: id, event: event.id });
  return 'credited';
}

async function rememberCustomer(env: Env, account: string, mode: Mode, customer: string): Promise<void> {
  const insert = env.DB.prepare('INSERT INTO stripe_customers VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
  await reached('D1', () => insert.bind(account, mode, customer).run());
}

/**
 * A charge tells how much of it was refunded so far; the event, how much it was before. So each event stands for its own part of the
 * refunds, whichever comes first.
 */
async function refund(env: Env, event: StripeEvent): Promise<EventOutcome> {
  const charge = event.data?.object ?? {};
  if (charge.metadata?.[ACCOUNT_METADATA] === undefined) return 'ignored';
  const { id, payment_intent: intent, currency, amount_refunded: until = Number.NaN } = charge;
  const before = event.data?.previous_attributes?.amount_refunded ?? Number.NaN;
  const cents = until - before;
  if (currency !== CURRENCY || !id || !intent || !(cents > 0)) return refused(event, 'the refund cannot be read');
  const find = env.DB.prepare('SELECT account, mode FROM top_ups WHERE payment_intent = ?').bind(intent);
  const paid = await reached('D1', () => find.first<{ account: string; mode: Mode }>());
  if (paid === null) {
    throw problem('ledger_unavailable', 'The payment that this refunds has not arrived.', { retryAfter: 60 });
  }
  if (paid.mode !== modeOf(event)) return refused(event, 'the refund is of another mode than its payment');
  const { account, mode } = paid;
  const amount = cents * MICRO_DOLLARS_PER_CENT;
  // The ledger takes no more than is there, and logs what is missing.
  const take = () => ledgerOf(env, account, mode).credit(`${id}:${until}`, 'refund', 0 - amount);
  await reached('the ledger', take);
  log('info', 'refunded', { account, mode, amount, charge: id, event: event.id });
  return 'refunded';
}

/** What is paid with Stripe's play money is play money. */
function modeOf({ livemode }: StripeEvent): Mode {
  return livemode === true ? 'live' : 'test';
}

function refused(event: StripeEvent, why: string, fields: Readonly<Record<string, unknown>> = {}): EventOutcome {
  log('error', 'an event of Stripe was refused', { event: event.id, type: event.type, why, ...fields });
  return 'refused';
}

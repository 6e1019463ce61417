/**
 * Usage of live ledgers as Stripe meter events (https://docs.stripe.com/api/billing/meter-event/create): micro-dollars of a customer.
 * Stripe refuses an `identifier` that it has seen in the last day; what it refuses so, it has.
 */
import type { Env } from '../env.ts';
import type { Exported } from '../ledger/protocol.ts';
import type { Adapter } from './adapter.ts';
import { isUsage } from './entry.ts';
import { callStripe } from './stripe.ts';

/** Requests at once: a Worker may have six connections open. */
const AT_ONCE = 6;

/** The adapter, where STRIPE_SECRET_KEY and STRIPE_METER_EVENT_NAME are given. */
export function stripeMeter(env: Env): Adapter | undefined {
  const { STRIPE_SECRET_KEY, STRIPE_METER_EVENT_NAME: eventName } = env;
  if (STRIPE_SECRET_KEY === undefined || eventName === undefined) return undefined;
  return {
    name: 'stripe',
    wants: (entry) => entry.mode === 'live' && isUsage(entry) && entry.amount < 0,
    async send(entries) {
      const customers = await customersOf(env, entries);
      const problems: (string | undefined)[] = [];
      for (let first = 0; first < entries.length; first += AT_ONCE) {
        const some = entries.slice(first, first + AT_ONCE);
        problems.push(...(await Promise.all(some.map((entry) => sendOne(env, eventName, entry, customers)))));
      }
      return problems;
    },
  };
}

async function customersOf(env: Env, entries: readonly Exported[]): Promise<ReadonlyMap<string, string>> {
  const accounts = [...new Set(entries.map(({ account }) => account))];
  const { results } = await env.DB.prepare(
    "SELECT account, customer FROM stripe_customers WHERE mode = 'live' AND account IN (SELECT value FROM json_each(?))",
  )
    .bind(JSON.stringify(accounts))
    .all<{ account: string; customer: string }>();
  return new Map(results.map(({ account, customer }) => [account, customer]));
}

async function sendOne(env: Env, eventName: string, entry: Exported, customers: ReadonlyMap<string, string>) {
  const customer = customers.get(entry.account);
  // Who never paid through Stripe (an account that lives on grants) is nobody's customer there.
  if (customer === undefined) return undefined;
  const { status, body } = await callStripe(env, '/v1/billing/meter_events', {
    event_name: eventName,
    identifier: `${entry.account}:${entry.id}`,
    timestamp: String(Math.floor(entry.at / 1000)),
    'payload[stripe_customer_id]': customer,
    'payload[value]': String(-entry.amount),
  });
  if (status >= 200 && status < 300) return undefined;
  const { code, type, message } = body.error ?? {};
  if (status === 400 && /already exists with identifier/i.test(message ?? '')) return undefined;
  return `status ${status} ${code ?? type ?? ''}`.trim();
}

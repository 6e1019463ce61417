/** What goes on to meters: each entry once, whatever the receivers do, and never at the expense of the statements. */
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import Stripe from 'stripe';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deliver } from '../../../edge/billing/deliveries.ts';
import worker from '../../../edge/index.ts';
import { consumed, emptyTables, entryOf, envWith, rowsOf } from './bindings.ts';
import { cloudEventsServer, onlyReach, stripeMeterServer } from './stand-ins.ts';

beforeEach(emptyTables);
afterEach(() => vi.restoreAllMocks());

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const settings = {
  STRIPE_SECRET_KEY: 'sk_live_of_this_test',
  STRIPE_API_URL: 'https://stripe.invalid',
  STRIPE_METER_EVENT_NAME: 'micro_dollars',
  CLOUDEVENTS_URL: 'https://events.invalid/api/v1/events',
  CLOUDEVENTS_TOKEN: 'token',
};

/** Both receivers, an account that Stripe knows, and a clock that is moved by hand. */
async function metered() {
  const stripe = stripeMeterServer();
  const events = cloudEventsServer();
  onlyReach({ 'stripe.invalid': stripe.server, 'events.invalid': events.server });
  await env.DB.prepare("INSERT INTO stripe_customers VALUES ('acc_a', 'live', 'cus_a')").run();
  // Ahead of the real one, by which entries are written.
  const clock = { now: Date.now() + 60_000 };
  const environment = envWith(settings);
  return {
    ...{ stripe, events, clock, environment },
    run: (later = 0) => {
      clock.now += later;
      return deliver(environment, () => clock.now);
    },
    waiting: () => rowsOf('SELECT adapter, id, attempts, due, problem FROM deliveries ORDER BY adapter, id'),
  };
}

describe('entries on their way to meters', () => {
  it('are nobody’s where nothing is configured', async () => {
    await consumed(env, [entryOf()]);
    expect(await rowsOf('SELECT * FROM deliveries')).toEqual([]);
  });

  it('become meter events of a customer and CloudEvents', async () => {
    const { environment, run, stripe, events, waiting } = await metered();
    const entry = entryOf({ at: Date.UTC(2026, 10, 26, 12, 0, 0, 250) });
    await consumed(environment, [entry]);
    await run();
    expect(Object.fromEntries(stripe.events.get(`acc_a:${entry.id}`) ?? [])).toEqual({
      event_name: 'micro_dollars',
      identifier: `acc_a:${entry.id}`,
      timestamp: String(Date.UTC(2026, 10, 26, 12) / 1000),
      'payload[stripe_customer_id]': 'cus_a',
      'payload[value]': '52',
    });
    expect([...events.events.values()]).toEqual([
      {
        specversion: '1.0',
        type: 'maskwright.usage',
        source: '/accounts/acc_a/live',
        id: entry.id,
        time: '2026-11-26T12:00:00.250Z',
        subject: 'acc_a',
        datacontenttype: 'application/json',
        data: {
          ...{ mode: 'live', seq: entry.seq, kind: 'computed', micro_dollars: 52 },
          ...{ key: 'key_a', model: 'small', work: 1024, texts: 1 },
        },
      },
    ]);
    expect(await waiting()).toEqual([]);
  });

  it('become what Stripe’s own package would send', async () => {
    const { environment, run, stripe } = await metered();
    const entry = entryOf();
    await consumed(environment, [entry]);
    await run();
    const theirs = new Stripe(settings.STRIPE_SECRET_KEY, {
      ...{ host: 'stripe.invalid', httpClient: Stripe.createFetchHttpClient(), maxNetworkRetries: 0 },
    });
    await theirs.billing.meterEvents.create({
      event_name: 'micro_dollars',
      identifier: 'theirs',
      timestamp: Math.floor(entry.at / 1000),
      payload: { stripe_customer_id: 'cus_a', value: '52' },
    });
    const [ours, reference] = [...stripe.events.values()].map((form) => Object.fromEntries(form));
    expect({ ...ours, identifier: '' }).toEqual({ ...reference, identifier: '' });
    expect(ours.identifier.length).toBeLessThanOrEqual(100);
  });

  it('are handed on by the clock', async () => {
    const { environment, events } = await metered();
    const { id } = entryOf();
    await consumed(environment, [entryOf({ id })]);
    expect(events.ids()).toEqual([]);
    await worker.scheduled(undefined, environment);
    expect(events.ids()).toEqual([id]);
  });

  it('go to Stripe where they are usage of a live ledger that costs something, of an account it knows', async () => {
    const { environment, run, stripe, events, waiting } = await metered();
    const sent = entryOf({ kind: 'cached', amount: -5 });
    const others = [
      entryOf({ mode: 'test' }),
      entryOf({ kind: 'top_up', amount: 10 }),
      entryOf({ kind: 'refund', amount: -10 }),
      entryOf({ amount: 0 }),
      entryOf({ account: 'acc_of_grants' }),
    ];
    await consumed(environment, [sent, ...others]);
    await run();
    expect([...stripe.events.keys()]).toEqual([`acc_a:${sent.id}`]);
    expect(events.events.size).toBe(6);
    expect(await waiting()).toEqual([]);
  });

  it('are written at once and wait where a receiver is down; the other one has them', async () => {
    const { environment, run, stripe, events, waiting } = await metered();
    stripe.state.down = true;
    const entries = [entryOf(), entryOf()];
    expect(await consumed(environment, entries)).toEqual({ acked: [0, 1], again: [] });
    expect(stripe.state.requests).toBe(0);
    await run();
    expect(await rowsOf('SELECT id FROM statements')).toHaveLength(2);
    expect(events.ids()).toEqual(entries.map(({ id }) => id));
    expect(await waiting()).toMatchObject(
      entries.map(({ id }) => ({ adapter: 'stripe', id, attempts: 1, problem: 'status 503 api_error' })),
    );
    stripe.state.down = false;
    await run(1_000);
    expect(stripe.events.size).toBe(0);
    await run(15_000);
    expect(stripe.events.size).toBe(2);
    expect(await waiting()).toEqual([]);
  });

  it('count once where the answer to them was lost', async () => {
    const { environment, run, stripe, events, waiting } = await metered();
    const entry = entryOf();
    await consumed(environment, [entry]);
    stripe.state.loseAnswers = 1;
    events.state.loseAnswers = 1;
    await run();
    expect(await waiting()).toHaveLength(2);
    await run(HOUR);
    expect([stripe.events.size, stripe.state.requests, events.events.size, events.state.requests]).toEqual([
      1, 2, 1, 2,
    ]);
    expect(await waiting()).toEqual([]);
  });

  it('are not sent again when the queue delivers them again', async () => {
    const { environment, run, stripe, events } = await metered();
    const entry = entryOf();
    for (let i = 0; i < 3; i++) {
      await consumed(environment, [entry, entry]);
      await run();
    }
    expect([stripe.state.requests, events.state.requests]).toEqual([1, 1]);
  });

  it('are held back by none beside them that is refused', async () => {
    const { environment, run, events, waiting } = await metered();
    const [first, bad, last] = [entryOf(), entryOf(), entryOf()];
    events.state.refuses = bad.id;
    await consumed(environment, [first, bad, last]);
    await run();
    expect(events.ids()).toEqual([first.id, last.id]);
    expect(await waiting()).toMatchObject([{ adapter: 'cloudevents', id: bad.id, problem: 'status 400' }]);
  });

  it('are claimed by one of two runs at once, and by another where a run died', async () => {
    const { environment, run, stripe, clock } = await metered();
    await consumed(
      environment,
      Array.from({ length: 30 }, () => entryOf()),
    );
    await Promise.all([run(), run(), run()]);
    expect([stripe.events.size, stripe.state.requests]).toEqual([30, 30]);
    await consumed(environment, [entryOf()]);
    await env.DB.prepare('UPDATE deliveries SET due = ?, attempts = 1')
      .bind(clock.now + 300_000)
      .run();
    await run(299_000);
    expect(stripe.events.size).toBe(30);
    await run(2_000);
    expect(stripe.events.size).toBe(31);
  });

  it('are more than one claim holds', async () => {
    const { environment, run, stripe, events, waiting } = await metered();
    await consumed(
      environment,
      Array.from({ length: 150 }, () => entryOf()),
    );
    await consumed(
      environment,
      Array.from({ length: 100 }, () => entryOf()),
    );
    await run();
    expect([stripe.events.size, events.events.size, events.state.requests]).toEqual([250, 250, 3]);
    expect(await waiting()).toEqual([]);
  });

  it('are given up after a month, and kept', async () => {
    const { environment, run, stripe, waiting } = await metered();
    stripe.state.down = true;
    const { id } = entryOf();
    await consumed(environment, [entryOf({ id })]);
    for (let i = 0; i < 12; i++) await run(3 * DAY);
    expect(await waiting()).toMatchObject([{ adapter: 'stripe', id, attempts: 10, due: null }]);
  });

  it('all arrive exactly once, in whichever order queue and receivers fail and recover', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('queue'), first: fc.nat(11), count: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ do: fc.constant('run'), later: fc.integer({ min: 0, max: 60_000 }) }),
      fc.record({ do: fc.constant('break'), stripe: fc.boolean(), events: fc.boolean(), lost: fc.nat(3) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 16 }), async (steps) => {
        await emptyTables();
        const { environment, run, stripe, events, waiting } = await metered();
        const entries = Array.from({ length: 12 }, () => entryOf());
        const states = [stripe.state, events.state];
        for (const each of steps) {
          if ('first' in each) {
            await consumed(environment, entries.slice(each.first, each.first + each.count).reverse());
          } else if ('later' in each) {
            await run(each.later);
          } else {
            Object.assign(stripe.state, { down: each.stripe, loseAnswers: each.lost });
            Object.assign(events.state, { down: each.events, loseAnswers: each.lost });
          }
        }
        for (const state of states) Object.assign(state, { down: false, loseAnswers: 0 });
        await consumed(environment, entries);
        for (let i = 0; i < 3; i++) await run(2 * HOUR);
        expect(await waiting()).toEqual([]);
        const ids = entries.map(({ id }) => id);
        expect(events.ids()).toEqual(ids);
        expect([...stripe.events.keys()].sort()).toEqual(ids.map((id) => `acc_a:${id}`));
      }),
      { numRuns: 15 },
    );
  }, 60_000);
});

/**
 * The law of the ledger: whatever is called in whichever order, twice or not, wherever the object dies, the money adds up.
 *
 * 10,000 schedules run inside one Durable Object, over its real SQLite: there an eviction is new books over the same storage, and a
 * death in the middle of a call a statement that throws (mortal.ts). 100 more run from outside, by RPC, the object evicted by the
 * runtime between any two calls. Both are held to the same model (model.ts).
 */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { WorkOf } from '../../../edge/ledger/collect.ts';
import type { Begin, LedgerApi } from '../../../edge/ledger/protocol.ts';
import { account, costs, KEY } from './account.ts';
import { Model, TALLIES } from './model.ts';
import { Died, MortalLedger } from './mortal.ts';

const SCHEDULES = 10_000;
const EVICTED = 100;
const REQUESTS = 6;
const HOUR = 3_600_000;
/** Price of an answer that is there. */
const CACHED = 5;

const request = fc.nat(REQUESTS - 1).map((i) => `req_${i}`);
const amount = fc.integer({ min: 0, max: 60 });
const money = fc.integer({ min: 0, max: 200 });
const ms: fc.Arbitrary<number> = fc.constantFrom(0, 1_000, 20_000, 400_000);
const sometimes = <const T>(value: T) => fc.constantFrom(value, undefined);

const begins = fc.record({
  type: fc.constant('begin'),
  ...{ request, most: amount, ms, flight: sometimes('f'), key: sometimes('k'), tallied: fc.boolean() },
});
const haves = fc.record({ type: fc.constant('have'), request, key: sometimes('k'), tallied: fc.boolean() });
const settles = fc.record({ type: fc.constant('settle'), request, amount, answered: fc.boolean() });
const releases = fc.record({ type: fc.constant('release'), request });
const leaves = fc.record({ type: fc.constant('leave'), request, ms });
const credits = fc.record({
  type: fc.constant('credit'),
  id: fc.constantFrom<string>('evt_a', 'evt_b'),
  amount: fc.integer({ min: -90, max: 90 }),
});
/** What the service says of each job: the steps that ran, or why it does not say. */
const said = fc.oneof(amount, fc.constantFrom('problem', 'unknown', 'running', 'unreachable'));
const collects = fc.record({
  type: fc.constant('collect'),
  said: fc.array(said, { minLength: REQUESTS, maxLength: REQUESTS }),
  // What is called while the service is being asked.
  meanwhile: fc.option(fc.oneof(settles, releases), { nil: undefined }),
});
const passes = fc.record({ type: fc.constant('pass'), ms });
const evicts = fc.record({ type: fc.constant('evict') });
const sends = fc.record({ type: fc.constant('send'), fate: fc.constantFrom('taken', 'refused', 'died') });

type Of<T> = T extends fc.Arbitrary<infer V> ? V : never;
type Call = Of<typeof begins | typeof haves | typeof settles | typeof releases | typeof leaves | typeof credits>;
type Collect = Of<typeof collects>;
type Event = Call | Collect | Of<typeof passes | typeof evicts | typeof sends>;

const call: fc.Arbitrary<Call> = fc.oneof(
  { weight: 7, arbitrary: begins },
  { weight: 2, arbitrary: haves },
  { weight: 5, arbitrary: settles },
  { weight: 1, arbitrary: releases },
  { weight: 1, arbitrary: leaves },
  { weight: 3, arbitrary: credits },
);
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 17, arbitrary: call },
  { weight: 2, arbitrary: collects },
  { weight: 2, arbitrary: passes },
  { weight: 1, arbitrary: evicts },
  { weight: 1, arbitrary: sends },
);
/** Statements after which the ledger dies in the middle of the event; a call has at most a dozen. */
const death = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 12 }) },
);

function asks({ request, most, ms, flight, key, tallied }: Of<typeof begins>): Begin {
  return {
    ...{ request, job: jobOf(request), key: KEY, model: 'small', most, holdMs: ms, flight },
    price: { computed: 1_000_000, cached: CACHED },
    tallies: tallied ? TALLIES : undefined,
    idempotency: key === undefined ? undefined : { key, fingerprint: key },
  };
}

const jobOf = (request: string) => request.replace('req', 'gen');

/** Calls the ledger and holds what it answers to the model. Who never began is not spoken of. */
async function apply(
  call: Call,
  ledger: Pick<LedgerApi, 'begin' | 'have' | 'settle' | 'release' | 'leave' | 'credit'>,
  model: Model,
) {
  if (call.type === 'begin') return model.begun(asks(call), await ledger.begin(asks(call)));
  if (call.type === 'have') {
    const asked = asks({ ...call, type: 'begin', most: CACHED, ms: HOUR, flight: undefined });
    const settlement = costs(CACHED, { origin: 'cached', answer: call.key && { made: 1, events: [] } });
    return model.had(asked, settlement, await ledger.have(asked, settlement));
  }
  if (call.type === 'credit') {
    return model.credit(call.id, call.amount, await ledger.credit(call.id, 'adjustment', call.amount));
  }
  const { request } = call;
  if (!model.knows(request)) return;
  if (call.type === 'settle') {
    const settlement = costs(call.amount, { answer: call.answered ? { made: 1, events: [] } : undefined });
    return model.settle(request, settlement, await ledger.settle(request, settlement));
  }
  if (call.type === 'release') {
    await ledger.release(request);
    return model.release(request);
  }
  await ledger.leave(request, call.ms);
  model.leave(request);
}

/** What the services say of a job, by what is said of each. */
function workBy(said: Collect['said'], meanwhile?: () => Promise<void>): WorkOf {
  return async (job) => {
    await meanwhile?.();
    const what = said[Number(job.at(-1))];
    if (what === 'unreachable') throw new Error(what);
    if (what === 'unknown') return undefined;
    if (what === 'running') return { id: job, state: 'running', texts: [] };
    if (what === 'problem') return { id: job, state: 'ended', outcome: 'problem', texts: [] };
    return { id: job, state: 'ended', outcome: 'done', texts: [{ positions: 1, denoising_steps: what as number }] };
  };
}

async function collect({ said, meanwhile }: Collect, ledger: MortalLedger, model: Model): Promise<void> {
  let asked = 0;
  const once = async () => {
    if (asked++ === 0 && meanwhile !== undefined) await apply(meanwhile, ledger, model);
  };
  try {
    await ledger.collect(workBy(said, once));
  } finally {
    model.collected(ledger.stored(), (job) => said[Number(job.at(-1))]);
  }
}

async function happen(event: Event, ledger: MortalLedger, model: Model): Promise<void> {
  if (event.type === 'pass') ledger.now += event.ms;
  else if (event.type === 'send') await ledger.send(event.fate);
  else if (event.type === 'collect') await collect(event, ledger, model);
  else if (event.type === 'evict') die(ledger, model);
  else await apply(event, ledger, model);
}

/** What was in memory alone is lost. */
function die(ledger: MortalLedger, model: Model): void {
  ledger.revive();
  model.evict();
}

/** An event in which the ledger may die: then it never was, but for what was collected before it. */
async function happenOrDie(event: Event, death: number | undefined, ledger: MortalLedger, model: Model): Promise<void> {
  const whole = death !== undefined && event.type !== 'collect' && event.type !== 'send';
  const before = whole ? ledger.dump() : '';
  ledger.dieAfter(death);
  try {
    await happen(event, ledger, model);
    ledger.dieAfter(undefined);
  } catch (thrown) {
    if (!(thrown instanceof Died)) throw thrown;
    die(ledger, model);
    if (whole) expect(ledger.dump()).toBe(before);
  }
}

/** Everybody is asked for until nothing is open; what waits is sent. */
async function comeToRest(ledger: MortalLedger, model: Model): Promise<void> {
  ledger.now += HOUR;
  await collect({ type: 'collect', said: Array(REQUESTS).fill(7), meanwhile: undefined }, ledger, model);
  await ledger.send('taken');
}

describe('any schedule', () => {
  it('with deaths anywhere leaves the money right', { timeout: 180_000 }, async () => {
    vi.spyOn(console, 'log').mockImplementation(() => {});
    await runInDurableObject(await account(0), async (_instance, { storage }) => {
      let runs = 0;
      const schedule = fc.array(fc.tuple(event, death), { maxLength: 30, size: 'max' });
      const run = fc.asyncProperty(money, schedule, async (money, events) => {
        // Now and then a turn of the runtime, for it to write what was committed.
        if (runs++ % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
        const [ledger, model] = [new MortalLedger(storage), new Model()];
        await apply({ type: 'credit', id: 'evt_first', amount: money }, ledger, model);
        for (const [event, death] of events) {
          await happenOrDie(event, death, ledger, model);
          model.check(storage);
        }
        await comeToRest(ledger, model);
        model.check(storage);
        model.checkEntries(storage);
        expect(model.open.size).toBe(0);
        expect(ledger.exportedOnce()).toEqual(ledger.entries());
      });
      await fc.assert(run, { numRuns: SCHEDULES });
      expect(runs).toBeGreaterThanOrEqual(SCHEDULES);
    });
  });

  it('with the object evicted between any two calls leaves the money right', { timeout: 120_000 }, async () => {
    const schedule = fc.array(fc.oneof({ weight: 4, arbitrary: call }, { weight: 1, arbitrary: evicts }), {
      maxLength: 20,
    });
    const run = fc.asyncProperty(money, schedule, async (money, events) => {
      const [ledger, model] = [await account(0), new Model()];
      const check = () => runInDurableObject(ledger, (_instance, { storage }) => model.check(storage));
      await apply({ type: 'credit', id: 'evt_first', amount: money }, ledger, model);
      for (const event of events) {
        if (event.type !== 'evict') await apply('ms' in event ? { ...event, ms: HOUR } : event, ledger, model);
        else {
          await evictDurableObject(ledger);
          model.evict();
          await check();
        }
      }
      for (const request of [...model.open.keys()]) await apply({ type: 'release', request }, ledger, model);
      await check();
      await runInDurableObject(ledger, (_instance, { storage }) => model.checkEntries(storage));
    });
    await fc.assert(run, { numRuns: EVICTED });
  });
});

/** How a request begins: everything that may stand against it, and the hold. */
import { ProblemError, problem } from '../../shared/contract/problem.ts';
import type { Books } from './books.ts';
import { type Hold, putHold } from './holds.ts';
import { answerTo, start } from './idempotency.ts';
import { checkKey, checkMonth, type Key } from './keys.ts';
import type { Begin, Begun, RateState } from './protocol.ts';
import { type OpenRequest, type Standing, standingOf } from './standing.ts';
import { checkTallies, countTallies, recount } from './tallies.ts';

/** Requests of an account at once. */
export const CONCURRENT = 64;
/** Seconds after which one of so many requests has probably ended. */
const CONCURRENT_RETRY_S = 1;

/** Begins a request, or says why not; for a request that is open already, what was said then. */
export function begin(books: Books, asked: Begin, now: number): Begun {
  const { rates, storage } = books;
  const standing = standingOf(storage.sql, asked.request, asked.key, now);
  const { key, open } = standing;
  if (open !== undefined && (!open.joined || asked.flight !== undefined)) {
    return { ...begunBy(open), rate: key && rates.state(key.id, key.perMinute, now) };
  }
  let rate: RateState | undefined;
  try {
    checkKey(key, now);
    // Who joined a job that came to nothing begins again to run by himself; for his rate it is the same request.
    if (open !== undefined) return computeInstead(books, asked, { ...standing, key, open }, now);
    const taken = rates.take(key.id, key.perMinute, now);
    rate = taken.rate;
    checkRate(taken.waitMs, rate);
    return { ...admit(books, asked, { ...standing, key }, now), rate };
  } catch (thrown) {
    if (thrown instanceof ProblemError) return { type: 'refused', problem: thrown.problem, rate };
    throw thrown;
  }
}

type Known = Standing & { readonly key: Key };

function admit({ flights, storage }: Books, asked: Begin, standing: Known, now: number): Begun {
  const { request, idempotency, flight, tallies = [] } = asked;
  const answer = idempotency && answerTo(storage.sql, idempotency, now);
  if (answer !== undefined) return { type: 'replayed', answer };
  if (standing.ended) throw problem('duplicate_id', `The request ${request} has ended already.`);
  checkCount(standing.count);
  const joins = flight === undefined ? undefined : flights.jobOf(flight);
  const hold = holdFor(asked, joins, now);
  checkFunds(standing, hold.amount);
  checkTallies(storage.sql, tallies, hold.amount, now);
  storage.transactionSync(() => {
    putHold(storage.sql, hold);
    countTallies(storage.sql, tallies, hold.amount);
    if (idempotency !== undefined) start(storage.sql, idempotency.key, idempotency.fingerprint, request);
  });
  if (flight !== undefined && joins === undefined) flights.start(flight, request, asked.job);
  return begunBy(hold);
}

function computeInstead(
  books: Books,
  asked: Begin,
  standing: Known & { readonly open: OpenRequest },
  now: number,
): Begun {
  const { open, held, heldOfKey } = standing;
  const hold = { ...holdFor(asked, undefined, now), idempotency: open.idempotency, tallies: open.tallies };
  checkFunds({ ...standing, held: held - open.amount, heldOfKey: heldOfKey - open.amount }, hold.amount);
  const { sql } = books.storage;
  const counted = open.tallies ?? [];
  const tallies = (asked.tallies ?? []).filter(
    ({ id, measure }) => measure === 'micro_dollars' && counted.some((tally) => tally.id === id),
  );
  const more = hold.amount - open.amount;
  checkTallies(sql, tallies, more, now);
  books.storage.transactionSync(() => {
    putHold(sql, hold);
    recount(sql, counted, { requests: 0, amount: more });
  });
  return begunBy(hold);
}

function holdFor(asked: Begin, joins: string | undefined, now: number): Hold {
  const { request, key, model, price, idempotency, preset, tallies } = asked;
  const joined = joins !== undefined;
  const amount = joined ? price.cached : asked.most;
  const due = now + asked.holdMs;
  const job = joins ?? asked.job;
  return { request, job, joined, key, model, amount, price, due, idempotency: idempotency?.key, preset, tallies };
}

function begunBy({ joined, job }: Pick<Hold, 'joined' | 'job'>): Begun {
  return joined ? { type: 'joined', job } : { type: 'held' };
}

function checkRate(waitMs: number, { limit, window }: RateState): void {
  if (waitMs === 0) return;
  const retryAfter = Math.ceil(waitMs / 1000);
  const detail = `The key allows ${limit} requests in ${window} s. What to do: ask again in ${retryAfter} s.`;
  throw problem('rate_limited', detail, { retryAfter });
}

function checkCount(count: number): void {
  if (count < CONCURRENT) return;
  const detail = `The account has ${count} requests under way, which is the most. What to do: wait for one of them.`;
  throw problem('too_many_concurrent', detail, { retryAfter: CONCURRENT_RETRY_S });
}

/** @throws ProblemError where so much more money held is too much for the key or the account */
function checkFunds({ key, balance, held, heldOfKey }: Known, amount: number): void {
  checkMonth(key, heldOfKey, amount);
  const missing = amount - (balance - held);
  if (missing <= 0) return;
  const has = `of the balance of ${balance}, ${held} are held for requests under way`;
  const detail = `This may cost up to ${amount} micro-dollars; ${has}: ${missing} are missing. What to do: top up the account.`;
  throw problem('insufficient_credits', detail);
}

/** How a request begins: everything that may stand against it, and the hold. */
import { ProblemError, problem } from '../../shared/contract/problem.ts';
import type { Books } from './books.ts';
import { ended } from './end.ts';
import { last } from './entries.ts';
import { type Hold, held, holdOf, putHold } from './holds.ts';
import { answerTo, start } from './idempotency.ts';
import { checkKey, checkMonth, type Key, keyOf } from './keys.ts';
import type { Begin, Begun, RateState } from './protocol.ts';

/** Requests of an account at once. */
export const CONCURRENT = 64;
/** Seconds after which one of so many requests has probably ended. */
const CONCURRENT_RETRY_S = 1;

/** Begins a request, or says why not; for a request that is open already, what was said then. */
export function begin(books: Books, asked: Begin, now: number): Begun {
  const { rates, storage } = books;
  let rate: RateState | undefined;
  try {
    const key = keyOf(storage.sql, asked.key, now);
    const open = holdOf(storage.sql, asked.request);
    if (open !== undefined && (!open.joined || asked.flight !== undefined)) {
      rate = key && rates.state(key.id, key.perMinute, now);
      return { ...begunBy(open), rate };
    }
    checkKey(key, now);
    // Who joined a job that came to nothing begins again to run by himself; for his rate it is the same request.
    if (open !== undefined) return computeInstead(books, asked, key, open, now);
    const taken = rates.take(key.id, key.perMinute, now);
    rate = taken.rate;
    checkRate(taken.waitMs, rate);
    return { ...admit(books, asked, key, now), rate };
  } catch (thrown) {
    if (thrown instanceof ProblemError) return { type: 'refused', problem: thrown.problem, rate };
    throw thrown;
  }
}

function admit(books: Books, asked: Begin, key: Key, now: number): Begun {
  const { flights, storage } = books;
  const { sql } = storage;
  const { request, idempotency, flight } = asked;
  const answer = idempotency && answerTo(sql, idempotency, now);
  if (answer !== undefined) return { type: 'replayed', answer };
  if (ended(sql, request) !== undefined) throw problem('duplicate_id', `The request ${request} has ended already.`);
  const joins = flight === undefined ? undefined : flights.jobOf(flight);
  const hold = holdFor(asked, joins, now);
  checkFunds(books, key, hold.amount, 1);
  storage.transactionSync(() => {
    putHold(sql, hold);
    if (idempotency !== undefined) start(sql, idempotency.key, idempotency.fingerprint, request);
  });
  if (flight !== undefined && joins === undefined) flights.start(flight, request, asked.job);
  return begunBy(hold);
}

function computeInstead(books: Books, asked: Begin, key: Key, joined: Hold, now: number): Begun {
  const hold = { ...holdFor(asked, undefined, now), idempotency: joined.idempotency };
  checkFunds(books, key, hold.amount - joined.amount, 0);
  putHold(books.storage.sql, hold);
  return begunBy(hold);
}

function holdFor(asked: Begin, joins: string | undefined, now: number): Hold {
  const { request, key, model, price, idempotency } = asked;
  const joined = joins !== undefined;
  const amount = joined ? price.cached : asked.most;
  const due = now + asked.holdMs;
  return { request, job: joins ?? asked.job, joined, key, model, amount, price, due, idempotency: idempotency?.key };
}

function begunBy({ joined, job }: Hold): Begun {
  return joined ? { type: 'joined', job } : { type: 'held' };
}

function checkRate(waitMs: number, { limit, window }: RateState): void {
  if (waitMs === 0) return;
  const retryAfter = Math.ceil(waitMs / 1000);
  const detail = `The key allows ${limit} requests in ${window} s. What to do: ask again in ${retryAfter} s.`;
  throw problem('rate_limited', detail, { retryAfter });
}

/** @throws ProblemError where so many more requests, or so much more money held, is too much */
function checkFunds({ storage: { sql } }: Books, key: Key, amount: number, requests: number): void {
  const open = held(sql, key.id);
  if (open.count + requests > CONCURRENT) {
    const detail = `The account has ${open.count} requests under way, which is the most. What to do: wait for one of them.`;
    throw problem('too_many_concurrent', detail, { retryAfter: CONCURRENT_RETRY_S });
  }
  checkMonth(key, open.ofKey, amount);
  const { balance } = last(sql);
  const missing = amount - (balance - open.amount);
  if (missing <= 0) return;
  const has = `of the balance of ${balance}, ${open.amount} are held for requests under way`;
  const detail = `This may cost up to ${amount} micro-dollars; ${has}: ${missing} are missing. What to do: top up the account.`;
  throw problem('insufficient_credits', detail);
}

/**
 * Entries on their way to adapters. What waits is rows of D1, so that a receiver that is down delays nothing but itself and loses
 * nothing. A run claims rows for a while: another run beside it takes others, and what a run that died had claimed comes up again.
 */
import type { Env } from '../env.ts';
import type { Exported } from '../ledger/protocol.ts';
import { log } from '../watching/log.ts';
import type { Adapter } from './adapter.ts';
import { adaptersOf } from './adapters.ts';

/** Entries claimed at once. */
const CLAIM = 100;
/** Longer than a claim can take: 100 entries, six at a time, ten seconds each. */
const LEASE_MS = 300_000;
/** A run takes no more claims after this; the next one has begun by then. */
const RUN_MS = 600_000;
const FIRST_DELAY_MS = 15_000;
const LONGEST_DELAY_MS = 3_600_000;
/** Stripe takes no event that is older than 35 days. */
const GIVEN_UP_AFTER_MS = 30 * 86_400_000;

interface Claimed {
  readonly entry: Exported;
  readonly attempts: number;
  readonly made: number;
}

/** Hands on all that is due, as far as its receivers take it. */
export async function deliver(env: Env, now: () => number = Date.now): Promise<void> {
  await Promise.all(adaptersOf(env).map((adapter) => deliverTo(env, adapter, now)));
}

async function deliverTo(env: Env, adapter: Adapter, now: () => number): Promise<void> {
  const until = now() + RUN_MS;
  while (now() < until) {
    const claimed = await claim(env, adapter.name, now());
    if (claimed.length === 0) return;
    const problems = await adapter.send(claimed.map(({ entry }) => entry));
    await conclude(env, adapter.name, claimed, problems, now());
    // A receiver that takes nothing is left alone until the next run.
    if (claimed.length < CLAIM || problems.every((problem) => problem !== undefined)) return;
  }
}

const CLAIM_ROWS = `
  UPDATE deliveries SET due = ?2 + ${LEASE_MS}, attempts = attempts + 1
  WHERE adapter = ?1 AND (account, mode, id) IN (
    SELECT account, mode, id FROM deliveries WHERE adapter = ?1 AND due <= ?2 ORDER BY due LIMIT ${CLAIM})
  RETURNING account, mode, id, attempts, made`;

const READ_ENTRIES = `
  SELECT s.*, c.value->>'attempts' AS attempts, c.value->>'made' AS made
  FROM json_each(?) c JOIN statements s
    ON s.account = c.value->>'account' AND s.mode = c.value->>'mode' AND s.id = c.value->>'id'
  ORDER BY s.account, s.mode, s.seq`;

async function claim(env: Env, adapter: string, now: number): Promise<readonly Claimed[]> {
  const rows = await env.DB.prepare(CLAIM_ROWS).bind(adapter, now).all();
  if (rows.results.length === 0) return [];
  type Row = Nullable<Exported> & Omit<Claimed, 'entry'>;
  const { results } = await env.DB.prepare(READ_ENTRIES).bind(JSON.stringify(rows.results)).all<Row>();
  return results.map(({ attempts, made, ...row }) => ({ entry: withoutNulls(row), attempts, made }));
}

/** A column that is empty is null, a member that is missing is undefined. */
type Nullable<Value> = { readonly [Key in keyof Value]: Value[Key] | null };

function withoutNulls(row: Nullable<Exported>): Exported {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as unknown as Exported;
}

const DELETE_TAKEN = `
  DELETE FROM deliveries WHERE adapter = ?1 AND (account, mode, id) IN (
    SELECT value->>'account', value->>'mode', value->>'id' FROM json_each(?2))`;

const POSTPONE = `
  UPDATE deliveries SET due = f.due, problem = f.problem
  FROM (SELECT value->>'account' AS account, value->>'mode' AS mode, value->>'id' AS id, value->>'due' AS due,
    value->>'problem' AS problem FROM json_each(?2)) AS f
  WHERE adapter = ?1 AND deliveries.account = f.account AND deliveries.mode = f.mode AND deliveries.id = f.id`;

async function conclude(
  env: Env,
  adapter: string,
  claimed: readonly Claimed[],
  problems: readonly (string | undefined)[],
  now: number,
): Promise<void> {
  const taken = claimed.filter((_, n) => problems[n] === undefined).map(({ entry }) => entry);
  const refused = claimed.flatMap(({ entry, ...row }, n) =>
    problems[n] === undefined ? [] : [{ ...entry, due: nextTry(row, now), problem: problems[n] }],
  );
  await env.DB.batch([
    env.DB.prepare(DELETE_TAKEN).bind(adapter, JSON.stringify(taken)),
    env.DB.prepare(POSTPONE).bind(adapter, JSON.stringify(refused)),
  ]);
  if (refused.length === 0) return;
  const givenUp = refused.filter(({ due }) => due === null).length;
  const fields = { adapter, entries: refused.length, given_up: givenUp, problem: refused[0].problem };
  log(givenUp > 0 ? 'error' : 'warn', 'entries were not taken', fields);
}

/** When to try again, null for never. */
function nextTry({ attempts, made }: Omit<Claimed, 'entry'>, now: number): number | null {
  if (now - made > GIVEN_UP_AFTER_MS) return null;
  return now + Math.min(FIRST_DELAY_MS * 2 ** (attempts - 1), LONGEST_DELAY_MS);
}

/** One request from its body to its events, wherever they come from and whatever they cost: what all routes that make text have in common. */
import type { Context } from 'hono';
import { priceOfAll } from '../../shared/contract/price.ts';
import { ProblemError } from '../../shared/contract/problem.ts';
import { answerKey, cachePolicy, hitStatus, missed } from '../answers/cache.ts';
import { findKept, remembered } from '../answers/kept-answers.ts';
import type { Kept } from '../answers/latest-answers.ts';
import type { EdgeTypes } from '../env.ts';
import type { Begin, Begun } from '../ledger/protocol.ts';
import { idempotencyOf } from '../requests/idempotency.ts';
import { HOLD_MS, type Prepare, type Prepared, prepare } from '../requests/prepare.ts';
import { codeOf } from '../watching/trace.ts';
import { createMeter, type Meter } from './meter.ts';
import { inBackground } from './outcome.ts';
import { priceOfModel } from './prices.ts';
import { answerOf, computed, joined, kept, type Paid, type Run, replayed } from './ways.ts';

export type { Run } from './ways.ts';

/**
 * Prepares a request and runs it, or finds its answer.
 * @param body of the native shape; that of the request by default
 * @param preparing what makes a job of it
 * @throws ProblemError whichever refusal is due, and what fails before the first event
 */
export async function run(
  c: Context<EdgeTypes>,
  body: unknown = c.get('body'),
  preparing: Prepare = prepare,
): Promise<Run> {
  const beginning = await beginningOf(c, await prepared(c, body, preparing));
  const answer = await answerTo(c, beginning);
  c.get('trace').root.set({ cache: answer.cache.status });
  return answer;
}

/** A request that is about to begin, and how. */
interface Beginning extends Paid {
  readonly how: Pick<Begin, 'most' | 'flight' | 'idempotency'>;
}

async function answerTo(c: Context<EdgeTypes>, beginning: Beginning): Promise<Run> {
  const { meter, subject, how, job } = beginning;
  const near = how.flight === undefined ? undefined : remembered(how.flight);
  const nearHit = near && hitStatus(near, subject.policy);
  if (near !== undefined && nearHit !== undefined) {
    const answer = answerOf(beginning, near);
    const admission = await meter.have(how, job.request.n ?? 1, answer);
    if (admission.type === 'replayed') return replayed(beginning, admission.answer);
    if (admission.type === 'refused') throw new ProblemError(admission.problem);
    return kept(beginning, answer, nearHit);
  }
  const [admission, found] = await Promise.all([meter.begin(how), lookUp(c, how.flight)]);
  if (admission.type === 'replayed') return replayed(beginning, admission.answer);
  const hit = found && hitStatus(found, subject.policy);
  if (found !== undefined && hit !== undefined) {
    await admitHit(meter, how, admission);
    const answer = answerOf(beginning, found);
    inBackground(c, () => meter.had('cached', job.request.n ?? 1, answer));
    return kept(beginning, answer, hit);
  }
  if (admission.type === 'refused') throw new ProblemError(admission.problem);
  if (admission.type === 'joined') {
    const following = await joined(c, beginning, admission.job);
    if (following !== undefined) return following;
    await beginAgain(meter, { ...how, flight: undefined });
  }
  return computed(c, beginning, missed(subject.policy, found !== undefined));
}

async function lookUp(c: Context<EdgeTypes>, key: string | undefined): Promise<Kept | undefined> {
  if (key === undefined) return undefined;
  const looking = findKept(c.env, key, (work) => c.executionCtx.waitUntil(work));
  return await c.get('timing').measure('cache', looking);
}

/** What is there already costs less than what might have had to be made: who cannot pay for the one may be able to pay for the other. */
async function admitHit(meter: Meter, { idempotency }: Beginning['how'], admission: Begun): Promise<void> {
  if (admission.type !== 'refused') return;
  const { code } = admission.problem;
  if (code !== 'insufficient_credits' && code !== 'spend_limit_reached') throw new ProblemError(admission.problem);
  await beginAgain(meter, { most: meter.price.cached, idempotency });
}

/** Begins by another way. @throws ProblemError where that is refused too */
async function beginAgain(meter: Meter, how: Beginning['how']): Promise<void> {
  const admission = await meter.begin(how);
  if (admission.type === 'refused') throw new ProblemError(admission.problem);
}

async function beginningOf(c: Context<EdgeTypes>, prepared: Prepared): Promise<Beginning> {
  const { job, model, deterministic, most, preset, tallies } = prepared;
  const { account, mode, key } = c.get('caller');
  const { request } = job;
  const policy = cachePolicy(request, deterministic);
  const subject = { request, account, mode, policy };
  const price = priceOfModel(c.env.PRICES, model.id);
  const [flight, idempotency] = await Promise.all([
    policy.reads ? answerKey(subject, model.revision) : undefined,
    // What a session fixed is not in the body, so the answers of one are not another's.
    idempotencyOf(c.req.header('idempotency-key'), c.get('session')?.id ?? key, c.req.path, c.get('body')),
  ]);
  const meter = createMeter(c, { job: job.id, model: model.id, price, holdMs: HOLD_MS, preset, tallies });
  return { job, meter, subject, how: { most: priceOfAll(price, most), flight, idempotency } };
}

/** The job of a request, by a span of its own. */
async function prepared(c: Context<EdgeTypes>, body: unknown, preparing: Prepare): Promise<Prepared> {
  const { root, child } = c.get('trace');
  const span = child('validate', 1);
  try {
    const prepared = await preparing(c, body);
    const { id, request } = prepared.job;
    root.set({ job: id, model: request.model, n: request.n ?? 1, account: c.get('caller').account });
    span.end();
    return prepared;
  } catch (thrown) {
    span.end(codeOf(thrown));
    throw thrown;
  }
}

/** One request from its job to its events, wherever they come from: what all routes that make text have in common. */
import type { Context } from 'hono';
import type { GenerationJob } from '../shared/contract/generation.ts';
import { type CacheStatus, type CacheSubject, cachePolicy, cacheStatusHeader, findCached, keep } from './cache.ts';
import type { EdgeTypes } from './env.ts';
import { generate, type NumberedProgress } from './forward.ts';
import { type Prepare, type Prepared, prepare } from './prepare.ts';
import { started } from './stream.ts';
import { codeOf, spanned } from './trace.ts';

export interface Run {
  readonly job: GenerationJob;
  readonly cache: CacheStatus;
  /** Headers that say how it was answered; for any form of the answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** All events; what fails before the first one has failed already. */
  readonly events: AsyncGenerator<NumberedProgress>;
  /** The reader is gone. */
  leave(): void;
}

/**
 * Prepares a request and runs it, or finds its answer.
 * @param body of the native shape; that of the request by default
 * @param preparing what makes a job of it
 * @throws ProblemError whichever refusal is due, and what fails before the first event
 */
export async function run(
  c: Context<EdgeTypes>,
  body: unknown = c.var.body,
  preparing: Prepare = prepare,
): Promise<Run> {
  const { job, model, deterministic } = await prepared(c, body, preparing);
  const subject = { job, account: c.var.caller.account, policy: cachePolicy(job.request, deterministic) };
  const cached = await findCached(subject, model.revision);
  const abort = new AbortController();
  // Where the runtime tells: Cloudflare does; local workerd sees a reader leave only while it writes to him. An answer that is not
  // streamed is not begun before it is complete, so that its status is true; there, then, its work ends with its text.
  c.req.raw.signal.addEventListener('abort', () => abort.abort(), { once: true });
  const events = cached === undefined ? await started(computed(c, subject, abort.signal)) : replay(cached.events);
  const cache = cached?.status ?? subject.policy;
  c.var.trace.root.set({ cache: cache.status });
  return { job, cache, headers: headersOf(cache), events, leave: () => abort.abort() };
}

/** The job of a request, by a span of its own. */
async function prepared(c: Context<EdgeTypes>, body: unknown, preparing: Prepare): Promise<Prepared> {
  const { root, child } = c.var.trace;
  const span = child('validate', 1);
  try {
    const prepared = await preparing(c, body);
    const { id, request } = prepared.job;
    root.set({ job: id, model: request.model, n: request.n ?? 1, account: c.var.caller.account });
    span.end();
    return prepared;
  } catch (thrown) {
    span.end(codeOf(thrown));
    throw thrown;
  }
}

/** The events of the service, whose work is a child of the span around them. */
function computed(c: Context<EdgeTypes>, subject: CacheSubject, signal: AbortSignal): AsyncGenerator<NumberedProgress> {
  const span = c.var.trace.child('backend', 3);
  const job = { ...subject.job, traceparent: span.traceparent };
  return keep(subject, spanned(span, generate(c.env, job, signal)));
}

function headersOf(cache: CacheStatus): Record<string, string> {
  return {
    // Answers are cached here, where they can be checked against revision and account, and by nobody on the way.
    'cache-control': 'no-store',
    'cache-status': cacheStatusHeader(cache),
    ...(cache.status === 'hit' ? { age: String(cache.age) } : {}),
  };
}

async function* replay(events: CacheEvents): AsyncGenerator<NumberedProgress> {
  for (const [seq, event] of events.entries()) yield { seq, event };
}

type CacheEvents = readonly NumberedProgress['event'][];

/** The ways to an answer: it was given before, it is kept, it is being computed for somebody else, or it is computed. */
import type { Context } from 'hono';
import type { CacheStatus } from '../../shared/contract/answer.ts';
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { BYPASS, type CacheSubject, cacheHeaders } from '../answers/cache.ts';
import { type PricedProgress, replay } from '../answers/priced.ts';
import { generate, type NumberedProgress } from '../backends/forward.ts';
import type { EdgeTypes } from '../env.ts';
import { started } from '../iteration.ts';
import type { KeptAnswer } from '../ledger/protocol.ts';
import { REPLAYED_HEADER } from '../requests/idempotency.ts';
import { codeOf, spanned } from '../watching/trace.ts';
import { follow } from './join.ts';
import type { Meter } from './meter.ts';
import { inBackground, type UnderWay, watched } from './outcome.ts';

export interface Run {
  /** As it is answered: one that is replayed has the id and the seed it had. */
  readonly job: GenerationJob;
  readonly cache: CacheStatus;
  /** Headers that say how it was answered; for any form of the answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** All events; what fails before the first one has failed already. */
  readonly events: AsyncGenerator<PricedProgress>;
  /** The reader is gone. */
  leave(): void;
}

/** A request that is paid for. */
export interface Paid {
  readonly job: GenerationJob;
  readonly meter: Meter;
  readonly subject: CacheSubject;
}

/** The same answer again, with the id and the seed it had. */
export function replayed({ job, meter }: Paid, { events }: KeptAnswer): Run {
  const { id = job.id, seed = job.request.seed } = events.find((event) => event.type === 'accepted') ?? {};
  return {
    job: { ...job, id, request: { ...job.request, seed } },
    cache: BYPASS,
    headers: { ...cacheHeaders(BYPASS), [REPLAYED_HEADER]: 'true' },
    events: replay(events, 'replayed', meter.price),
    leave: () => {},
  };
}

/** A kept answer under the id of the request that asks for it. */
export function answerOf({ job }: Paid, { made, events }: KeptAnswer): KeptAnswer {
  return { made, events: events.map((event) => (event.type === 'accepted' ? { ...event, id: job.id } : event)) };
}

/** An answer that was there already. */
export function kept({ job, meter }: Paid, answer: KeptAnswer, cache: CacheStatus): Run {
  return {
    job,
    cache,
    headers: cacheHeaders(cache),
    events: replay(answer.events, 'cached', meter.price),
    leave: () => {},
  };
}

/** What is being computed for an identical request, the job of which is `leader`; undefined where that does not come to be. */
export async function joined(c: Context<EdgeTypes>, begun: Paid, leader: string): Promise<Run | undefined> {
  const abort = leaving(c);
  const { account: owner } = c.get('caller');
  const { job, meter } = begun;
  const span = c.get('trace').child('backend', 3);
  try {
    const events = await follow(c.env, { job: leader, owner, texts: job.request.n ?? 1 }, abort.signal);
    if (events === undefined) {
      span.end('stream_gone');
      return undefined;
    }
    // Under the leader's id: it is the one by which the stream can be taken up again.
    const following = { ...begun, job: { ...job, id: leader }, origin: 'joined', signal: abort.signal } as const;
    return await underWay(c, following, spanned(span, events), abort, { status: 'joined', age: 0, ttl: 0 });
  } catch (thrown) {
    span.end(codeOf(thrown));
    inBackground(c, () => meter.release());
    throw thrown;
  }
}

/** What the service computes. */
export function computed(c: Context<EdgeTypes>, begun: Paid, cache: CacheStatus): Promise<Run> {
  const abort = leaving(c);
  const span = c.get('trace').child('backend', 3);
  // The work of the service is a child of the span around its events.
  const events = generate(c.env, { ...begun.job, traceparent: span.traceparent }, abort.signal);
  const request = { ...begun, origin: 'computed', signal: abort.signal } as const;
  return underWay(c, request, spanned(span, events), abort, cache);
}

async function underWay(
  c: Context<EdgeTypes>,
  request: UnderWay,
  events: AsyncGenerator<NumberedProgress>,
  abort: AbortController,
  cache: CacheStatus,
): Promise<Run> {
  const all = watched(c, request, events);
  return {
    job: request.job,
    cache,
    headers: cacheHeaders(cache),
    events: await c.get('timing').measure('backend', started(all)),
    leave() {
      abort.abort();
      // A reader may go before he has asked for anything: nobody else would end the iteration then.
      void all.return(undefined).catch(() => undefined);
    },
  };
}

/**
 * Aborted when the reader goes away, where the runtime tells: Cloudflare does; local workerd sees a reader leave only while it writes to
 * him. An answer that is not streamed is not begun before it is complete, so that its status is true; there, then, its work ends with its
 * text.
 */
function leaving(c: Context<EdgeTypes>): AbortController {
  const abort = new AbortController();
  c.req.raw.signal.addEventListener('abort', () => abort.abort(), { once: true });
  return abort;
}

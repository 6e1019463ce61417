/**
 * Finished generations, kept in the Cache API as the events they consisted of, so that an answer can be given again in
 * any form: as JSON, or replayed event by event. Only deterministic, complete and checked ones are kept, never a problem.
 */
import { cacheKey } from '../shared/contract/canonical.ts';
import type { GenerationJob, GenerationRequest } from '../shared/contract/generation.ts';
import type { ProgressEvent } from '../shared/contract/stream.ts';
import type { NumberedProgress } from './forward.ts';
import { log } from './log.ts';

/** How long an answer is kept where the request does not say. */
const DEFAULT_TTL_S = 86_400;

/** How the cache was used, as the `cache` member of an answer says it. */
export interface CacheStatus {
  /** `bypass`: the request may give other bytes each time, or asked not to be cached. */
  readonly status: 'hit' | 'miss' | 'refresh' | 'bypass';
  /** Seconds since the answer was made; 0 unless it is a hit. */
  readonly age: number;
  /** Seconds for which this answer is kept from now on; 0 where it is not. */
  readonly ttl: number;
}

interface Entry {
  /** Unix milliseconds. */
  readonly made: number;
  readonly events: readonly ProgressEvent[];
}

/** What a request wants of the cache. `deterministic`: the same request gives the same bytes. */
export function cachePolicy(request: GenerationRequest, deterministic: boolean): CacheStatus {
  const { cache } = request;
  if (!deterministic || cache === 'no-store') return { status: 'bypass', age: 0, ttl: 0 };
  const ttl = typeof cache === 'object' ? (cache.ttl ?? DEFAULT_TTL_S) : DEFAULT_TTL_S;
  return { status: cache === 'refresh' ? 'refresh' : 'miss', age: 0, ttl };
}

/** The header `Cache-Status` of RFC 9211. */
export function cacheStatusHeader({ status, ttl }: CacheStatus): string {
  switch (status) {
    case 'hit':
      return `maskwright; hit; ttl=${ttl}`;
    case 'miss':
      return 'maskwright; fwd=uri-miss; stored';
    case 'refresh':
      return 'maskwright; fwd=request; stored';
    case 'bypass':
      return 'maskwright; fwd=bypass';
  }
}

export interface CachedGeneration {
  readonly status: CacheStatus;
  readonly events: readonly ProgressEvent[];
}

export interface CacheSubject {
  readonly job: GenerationJob;
  readonly account: string;
  readonly policy: CacheStatus;
}

/** The kept answer to this job, no older than its policy's ttl; undefined where there is none or the policy forbids it. */
export async function findCached(subject: CacheSubject, revision: string): Promise<CachedGeneration | undefined> {
  const { job, policy } = subject;
  if (policy.status !== 'miss') return undefined;
  const response = await store()
    .match(await address(subject, revision))
    .catch(failed);
  if (response === undefined) return undefined;
  const { made, events } = (await response.json()) as Entry;
  const age = Math.max(0, Math.floor((Date.now() - made) / 1000));
  if (age > policy.ttl) return undefined;
  const kept = Number(/max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '')?.[1] ?? 0);
  return {
    status: { status: 'hit', age, ttl: Math.max(0, kept - age) },
    events: events.map((event) => (event.type === 'accepted' ? { ...event, id: job.id } : event)),
  };
}

/** Passes a generation's events on and keeps them once all have come; the keeping is done before the iteration ends. */
export async function* keep(
  subject: CacheSubject,
  events: AsyncIterable<NumberedProgress>,
): AsyncGenerator<NumberedProgress> {
  const { ttl } = subject.policy;
  if (ttl === 0) {
    yield* events;
    return;
  }
  const kept: ProgressEvent[] = [];
  for await (const numbered of events) {
    kept.push(numbered.event);
    yield numbered;
  }
  // Under the revision that answered, which may be newer than the one the edge remembers.
  const revision = kept.find((event) => event.type === 'accepted')?.revision;
  if (revision === undefined) return;
  const entry: Entry = { made: Date.now(), events: kept };
  const headers = { 'content-type': 'application/json', 'cache-control': `max-age=${ttl}` };
  const response = new Response(JSON.stringify(entry), { headers });
  await store()
    .put(await address(subject, revision), response)
    .catch(failed);
}

/** A cache that fails costs time, not the answer. */
function failed(error: unknown): undefined {
  log('warn', 'the cache failed', { error: String(error) });
}

async function address({ job, account }: CacheSubject, revision: string): Promise<string> {
  // A host that can never exist (RFC 6761): the Cache API wants URLs, and nobody can fetch this one.
  return `https://cache.invalid/generations/${await cacheKey({ request: job.request, revision, account })}`;
}

/** The cache of this data centre; `default` is of Workers, not of the web platform. */
function store(): Cache {
  return (caches as CacheStorage & { readonly default: Cache }).default;
}

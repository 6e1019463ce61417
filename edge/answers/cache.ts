/**
 * What a request wants of the cache, and what its answer says of it. Only deterministic, complete and checked answers are kept, never a
 * problem; edge/answers/kept-answers.ts has the places they are kept in.
 */
import type { CacheStatus } from '../../shared/contract/answer.ts';
import { cacheKey } from '../../shared/contract/canonical.ts';
import type { GenerationJob, GenerationRequest } from '../../shared/contract/generation.ts';
import type { Mode } from '../ledger/protocol.ts';
import type { Kept } from './latest-answers.ts';

/** How long an answer is kept where the request does not say. */
const DEFAULT_TTL_S = 86_400;
/** Instead of an account, of answers that are shared; accounts are called otherwise. */
const SHARED = 'shared';

/** Of an answer that neither comes from the cache nor goes there. */
export const BYPASS: CacheStatus = { status: 'bypass', age: 0, ttl: 0 };

export interface CachePolicy {
  /** Whether a kept answer may be given. */
  readonly reads: boolean;
  /** Seconds for which the answer is kept; 0: it is not. */
  readonly ttl: number;
  readonly shared: boolean;
}

/** What a request wants of the cache. `deterministic`: the same request gives the same bytes. */
export function cachePolicy({ cache }: GenerationRequest, deterministic: boolean): CachePolicy {
  if (!deterministic || cache === 'no-store') return { reads: false, ttl: 0, shared: false };
  const { ttl = DEFAULT_TTL_S, shared = false } = typeof cache === 'object' ? cache : {};
  return { reads: cache !== 'refresh', ttl, shared };
}

/** What is said of an answer that is computed. `found`: one is kept, and is not as the request wants it. */
export function missed({ reads, ttl }: CachePolicy, found: boolean): CacheStatus {
  if (ttl === 0) return BYPASS;
  const status = reads ? (found ? 'stale' : 'miss') : 'refresh';
  return { status, age: 0, ttl };
}

/** What is said of a kept answer; undefined where it is older than the request wants it. */
export function hitStatus({ made, until }: Kept, { ttl }: CachePolicy): CacheStatus | undefined {
  const now = Date.now();
  const age = Math.max(0, Math.floor((now - made) / 1000));
  return age > ttl ? undefined : { status: 'hit', age, ttl: Math.max(0, Math.floor((until - now) / 1000)) };
}

/** The header `Cache-Status` of RFC 9211. */
export function cacheStatusHeader({ status, ttl }: CacheStatus): string {
  switch (status) {
    case 'hit':
      return `maskwright; hit; ttl=${ttl}`;
    case 'miss':
      return 'maskwright; fwd=uri-miss; stored';
    // Fresh by its own time, but not as the request wants it: RFC 9211, 2.2, "request".
    case 'stale':
    case 'refresh':
      return 'maskwright; fwd=request; stored';
    case 'joined':
      return 'maskwright; fwd=uri-miss; collapsed';
    case 'bypass':
      return 'maskwright; fwd=bypass';
  }
}

/** The headers that say how an answer was come by, whatever its form. */
export function cacheHeaders(cache: CacheStatus): Record<string, string> {
  return {
    // Answers are cached here, where they can be checked against revision and account, and by nobody on the way.
    'cache-control': 'no-store',
    'cache-status': cacheStatusHeader(cache),
    ...(cache.status === 'hit' ? { age: String(cache.age) } : {}),
  };
}

/** Whose answers may be given to whom. */
export interface CacheSubject {
  readonly request: GenerationJob['request'];
  readonly account: string;
  readonly mode: Mode;
  readonly policy: CachePolicy;
}

/** What two requests with the same answer have in common, and no others have. */
export function answerKey({ request, account, mode, policy }: CacheSubject, revision: string): Promise<string> {
  return cacheKey({ request, revision, account: `${mode}:${policy.shared ? SHARED : account}` });
}

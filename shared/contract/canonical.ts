/**
 * One spelling of a request: canonical JSON (RFC 8785, JSON Canonicalization Scheme) and the key an answer is cached under.
 */
import { sha256Hex } from './digest.ts';
import type { GenerationJob } from './generation.ts';

/** Part of every cache key. Raise it whenever the same request may give other bytes, or an answer another shape. */
export const CONTRACT_VERSION = 1;

/**
 * JSON with object keys sorted by UTF-16 code units and no white space; members that are undefined are left out.
 * @throws TypeError on values JSON has no form for (NaN, infinities, functions, bigint).
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    members.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
  }
  throw new TypeError(`JSON has no form for ${String(value)}`);
}

export interface CacheKeyParts {
  readonly request: GenerationJob['request'];
  /** Revision of the model that answers. */
  readonly revision: string;
  /** Whose answers these are: nobody sees what another account asked for. */
  readonly account: string;
}

/**
 * SHA-256, in hexadecimal, over contract version, account, model revision and validated request.
 * How the answer travels (`stream`) and how it is cached (`cache`) do not change its bytes and are left out.
 */
export async function cacheKey({ request, revision, account }: CacheKeyParts): Promise<string> {
  const { stream: _stream, cache: _cache, ...rest } = request;
  return sha256Hex(canonicalJson({ contract: CONTRACT_VERSION, account, revision, request: rest }));
}

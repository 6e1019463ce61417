/** One request to an inference service, whichever way leads there, and what its failures mean to our callers. */
import { PROBLEMS, type Problem, type ProblemCode, ProblemError, problem } from '../../shared/contract/problem.ts';
import { signRequest } from '../../shared/contract/signature.ts';
import type { Env } from '../env.ts';
import { log } from '../watching/log.ts';
import { failed, type Health, heard, newHealth, refused } from './health.ts';

/** One of the inference services, and how it has done lately as this isolate saw it. */
export interface Backend {
  readonly url: string;
  readonly health: Health;
}

// Values only: a Worker must not await what another request started.
const healths = new Map<string, Health>();

/** Those that BACKEND_URL lists, in its order. */
export function backendsOf({ BACKEND_URL }: Pick<Env, 'BACKEND_URL'>): readonly Backend[] {
  return BACKEND_URL.split(',').map((listed) => {
    const url = listed.trim();
    const health = healths.get(url) ?? newHealth();
    healths.set(url, health);
    return { url, health };
  });
}

/** A service that did not answer, or not as one does: it may have begun what it was asked to do. */
export class BrokenOff extends ProblemError {}

/** Seconds after which a caller may find the service up again. */
const RETRY_AFTER_S = 2;

/** What a service says that lives and takes nothing now: another may. */
export const REFUSALS: ReadonlySet<ProblemCode> = new Set<ProblemCode>(['overloaded', 'backend_unavailable']);

/** Problems between the edge and the service: a caller can neither have caused nor mend them. */
const INTERNAL: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'bad_signature',
  'missing_key',
  'invalid_key',
  'malformed_json',
  'unknown_field',
  'unsupported_media_type',
  'body_too_large',
  'duplicate_id',
  'not_found',
  'method_not_allowed',
]);

/**
 * Sends a request to a service and returns its answer when that is a success. How it went is remembered of the service.
 * @throws ProblemError the service's own problem; BrokenOff as `backend_unavailable` or `backend_failed`
 */
export async function callBackend(env: Env, backend: Backend, path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    const url = new URL(path, backend.url).href;
    response = await (env.BACKEND === undefined ? fetch(url, init) : env.BACKEND.fetch(url, init));
  } catch (error) {
    // Whoever broke it off himself has learnt nothing of the service; who found it too slow has.
    const ours = init.signal?.aborted === true && (init.signal.reason as Error | undefined)?.name !== 'TimeoutError';
    if (!ours) {
      failed(backend.health, Date.now());
      log('error', 'a service cannot be reached', { backend: backend.url, path, error: String(error) });
    }
    throw new BrokenOff(backendUnavailable().problem);
  }
  if (response.ok) {
    heard(backend.health, Date.now());
    return response;
  }
  const thrown = await problemOfResponse(response, backend.url);
  const { code, retryAfter = RETRY_AFTER_S } = thrown.problem;
  if (thrown instanceof BrokenOff) failed(backend.health, Date.now());
  else if (REFUSALS.has(code)) refused(backend.health, retryAfter * 1000, Date.now());
  else heard(backend.health, Date.now());
  throw thrown;
}

/** The headers that sign a request without a body. */
export function signed({ BACKEND_SECRET }: Env, method: 'GET' | 'DELETE', path: string) {
  return signRequest(BACKEND_SECRET, { method, path, body: '' });
}

export function backendUnavailable(): ProblemError {
  const detail = 'The inference service cannot be reached; try again.';
  return problem('backend_unavailable', detail, { retryAfter: RETRY_AFTER_S });
}

async function problemOfResponse(response: Response, backend: string): Promise<ProblemError> {
  const text = await response.text().catch(() => '');
  const stated = statedProblem(text);
  if (stated !== undefined && !INTERNAL.has(stated.code)) {
    const wait = Number(response.headers.get('retry-after') ?? Number.NaN);
    return new ProblemError(Number.isFinite(wait) ? { ...stated, retryAfter: wait } : stated);
  }
  const { status } = response;
  log('error', 'a service failed', { backend, status, problem: stated?.code ?? text.slice(0, 200) });
  const { problem } = status === 503 ? backendUnavailable() : backendFailed(`it answered with status ${status}`);
  // What the two do not agree on is no failure of the service, and it has begun nothing.
  return stated === undefined ? new BrokenOff(problem) : new ProblemError(problem);
}

export function backendFailed(how: string): ProblemError {
  return problem('backend_failed', `The inference service failed: ${how}.`);
}

/** The problem in a problem+json body, undefined where there is none we know. */
function statedProblem(text: string): Problem | undefined {
  try {
    return readProblem(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** A problem as the service wrote it, or undefined. */
export function readProblem(value: unknown): Problem | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  const { code, detail, pointer, conflict, achievable, retryAfter } = value as Record<string, unknown>;
  if (typeof code !== 'string' || !Object.hasOwn(PROBLEMS, code) || typeof detail !== 'string') return undefined;
  return {
    code: code as ProblemCode,
    detail,
    ...(typeof pointer === 'string' ? { pointer } : {}),
    ...(Array.isArray(conflict) ? { conflict: conflict.map(String) } : {}),
    ...(typeof achievable === 'string' ? { achievable } : {}),
    ...(typeof retryAfter === 'number' ? { retryAfter } : {}),
  };
}

/** One request to an inference service, whichever way leads there, and what its failures mean to our callers. */
import { PROBLEMS, type Problem, type ProblemCode, ProblemError, problem } from '../shared/contract/problem.ts';
import { signRequest } from '../shared/contract/signature.ts';
import type { Env } from './env.ts';
import { log } from './log.ts';

/** One of the inference services. */
export interface Backend {
  readonly url: string;
}

/** Those that BACKEND_URL lists. */
export function backendsOf({ BACKEND_URL }: Pick<Env, 'BACKEND_URL'>): readonly Backend[] {
  return BACKEND_URL.split(',').map((url) => ({ url: url.trim() }));
}

/** Seconds after which a caller may find the service up again. */
const RETRY_AFTER_S = 2;

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
 * Sends a request to a service and returns its answer when that is a success.
 * @throws ProblemError the service's own problem, `backend_unavailable` or `backend_failed`.
 */
export async function callBackend(env: Env, backend: Backend, path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    const url = new URL(path, backend.url).href;
    response = await (env.BACKEND === undefined ? fetch(url, init) : env.BACKEND.fetch(url, init));
  } catch (error) {
    log('error', 'the service cannot be reached', { backend: backend.url, path, error: String(error) });
    throw backendUnavailable();
  }
  if (response.ok) return response;
  throw await problemOfResponse(response);
}

/** The headers that sign a request without a body. */
export function signed({ BACKEND_SECRET }: Env, method: 'GET' | 'DELETE', path: string) {
  return signRequest(BACKEND_SECRET, { method, path, body: '' });
}

export function backendUnavailable(): ProblemError {
  const detail = 'The inference service cannot be reached; try again.';
  return problem('backend_unavailable', detail, { retryAfter: RETRY_AFTER_S });
}

async function problemOfResponse(response: Response): Promise<ProblemError> {
  const text = await response.text().catch(() => '');
  const stated = statedProblem(text);
  if (stated !== undefined && !INTERNAL.has(stated.code)) {
    const wait = Number(response.headers.get('retry-after') ?? Number.NaN);
    return new ProblemError(Number.isFinite(wait) ? { ...stated, retryAfter: wait } : stated);
  }
  log('error', 'the service failed', { status: response.status, problem: stated?.code ?? text.slice(0, 200) });
  return response.status === 503 ? backendUnavailable() : backendFailed(`it answered with status ${response.status}`);
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

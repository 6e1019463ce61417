/**
 * Problems of the internal API as responses: the one place where something thrown becomes an answer.
 */
import type { Logger } from 'pino';
import { PROBLEMS, type Problem, ProblemError, problemBody } from '../../shared/contract/problem.ts';

/** The problem of something thrown; what is none of ours is logged and said to be internal. */
export function problemOf(thrown: unknown, log: Logger): Problem {
  if (thrown instanceof ProblemError) return thrown.problem;
  log.error({ err: thrown }, 'unexpected error');
  return { code: 'internal_error', detail: 'The inference service failed; its log says why.' };
}

/** RFC 9457 `application/problem+json` with the status of its kind. */
export function problemResponse(value: Problem, requestId?: string): Response {
  const headers = new Headers({ 'content-type': 'application/problem+json' });
  if (value.retryAfter !== undefined) headers.set('retry-after', String(value.retryAfter));
  return new Response(JSON.stringify(problemBody(value, requestId)), { status: PROBLEMS[value.code].status, headers });
}

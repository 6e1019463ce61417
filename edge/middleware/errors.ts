/** The one place where problems become answers: `application/problem+json`, whatever went wrong and wherever. */
import type { Context, ErrorHandler, NotFoundHandler } from 'hono';
import { NOT_RETRIED, PROBLEMS, type Problem, ProblemError, problemBody } from '../../shared/contract/problem.ts';
import type { EdgeTypes } from '../env.ts';
import { log } from '../watching/log.ts';

/** The answer that states a problem. */
export function problemResponse(c: Context<EdgeTypes>, value: Problem): Response {
  c.get('trace').root.set({ problem: value.code });
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  };
  if (value.retryAfter !== undefined) {
    headers['retry-after'] = String(Math.ceil(value.retryAfter));
    headers['retry-after-ms'] = String(Math.ceil(value.retryAfter * 1000));
  }
  if (NOT_RETRIED.has(value.code)) headers['x-should-retry'] = 'false';
  if (PROBLEMS[value.code].status === 401) headers['www-authenticate'] = 'Bearer realm="maskwright"';
  const body = JSON.stringify(problemBody(value, c.get('requestId')));
  return new Response(body, { status: PROBLEMS[value.code].status, headers });
}

/** The problem an error stands for; what is not one of ours is logged and told to nobody. */
export function problemOf(error: unknown, requestId: string): Problem {
  if (error instanceof ProblemError) return error.problem;
  log('error', 'unexpected error', { request: requestId, error: error instanceof Error ? error.stack : String(error) });
  return { code: 'internal_error', detail: 'The request could not be answered; the failure was logged.' };
}

export const onError: ErrorHandler<EdgeTypes> = (error, c) => problemResponse(c, problemOf(error, c.get('requestId')));

/** A page for who follows a link, a problem for a program and for everything below the API. */
export const onNotFound: NotFoundHandler<EdgeTypes> = async (c) => {
  const { path, url, method } = c.req;
  const reader = method === 'GET' && !path.startsWith('/v1/') && c.req.header('accept')?.includes('text/html');
  const page = reader ? await c.env.ASSETS?.fetch(new URL('/404', url).href) : undefined;
  if (page?.ok) return new Response(page.body, { status: 404, headers: page.headers });
  return problemResponse(c, { code: 'not_found', detail: `There is no route ${path}.` });
};

/** For hono's `methodNotAllowed`: the problem, with the header `Allow`. */
export function onMethodNotAllowed(c: Context, methods: readonly string[]): Response {
  const allowed = methods.join(', ');
  const detail = `${c.req.path} accepts ${allowed}; ${c.req.method} was given.`;
  const response = problemResponse(c, { code: 'method_not_allowed', detail });
  response.headers.set('allow', allowed);
  return response;
}

import type { Context, MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { EdgeTypes } from '../env.ts';
import { log } from '../watching/log.ts';
import { sendSpans } from '../watching/otlp.ts';
import { type RequestTrace, type SpanRecord, startTrace } from '../watching/trace.ts';

const SERVER_ERROR = 500;
/** Of a body that is logged; enough to see what was asked, and a log line that every collector takes. */
const MOST_LOGGED = 4_000;

/**
 * Traces every request, as part of its caller's trace where it has one (`traceparent`), and when its answer has ended writes one
 * log line and sends the spans. Handlers add to `c.get('trace')` what is worth knowing.
 */
export function trace(): MiddlewareHandler<EdgeTypes> {
  return async function trace(c, next) {
    const nameOf = () => `${c.req.method} ${routePath(c, -1)}`;
    const running = startTrace(nameOf, c.req.header('traceparent'), recordedShare(c.env.OTEL_TRACES_SAMPLER_ARG));
    c.set('trace', running);
    c.executionCtx.waitUntil(running.ended.then((spans) => tell(c, running, spans)));
    await next();
    running.root.set({
      request: c.get('requestId'),
      'http.request.method': c.req.method,
      'http.route': routePath(c, -1),
      'http.response.status_code': c.res.status,
    });
    running.root.end(c.res.status >= SERVER_ERROR ? String(c.res.status) : undefined);
  };
}

async function tell(c: Context<EdgeTypes>, running: RequestTrace, spans: readonly SpanRecord[]): Promise<void> {
  const root = spans[spans.length - 1];
  const { status } = c.res;
  const {
    'http.request.method': method,
    'http.route': route,
    'http.response.status_code': _status,
    problem,
    ...own
  } = root.attributes;
  const outcome = problem ?? spans.find(({ error }) => error !== undefined)?.error ?? 'done';
  log(status >= SERVER_ERROR ? 'error' : 'info', 'answered', {
    ...{ trace: running.traceId, method, route, status, outcome, ms: root.end - root.start },
    ...own,
    ...promptOf(c),
  });
  if (running.sampled) await sendSpans(c.env, running.traceId, spans);
}

/** What the caller wrote, in the log alone and only where its account asked for that (`log_prompts`). */
function promptOf(c: Context<EdgeTypes>): { readonly body?: string } {
  const { caller, body } = c.var as Partial<EdgeTypes['Variables']>;
  if (caller?.logsPrompts !== true || body === undefined) return {};
  return { body: JSON.stringify(body).slice(0, MOST_LOGGED) };
}

/** OTEL_TRACES_SAMPLER_ARG, 0..1; all where it is not set. */
function recordedShare(given: string | undefined): number {
  const share = Number(given ?? 1);
  return Number.isFinite(share) ? share : 1;
}

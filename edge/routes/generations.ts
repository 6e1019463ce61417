import { type Context, Hono } from 'hono';
import { type GenerationJob, LIMITS } from '../../shared/contract/generation.ts';
import { jsonAnswer, sseAnswer } from '../answer.ts';
import { type CacheSubject, cachePolicy, cacheStatusHeader, findCached, keep } from '../cache.ts';
import type { EdgeTypes } from '../env.ts';
import { generate, type NumberedProgress, type ProgressEvent } from '../forward.ts';
import { authenticate } from '../middleware/authenticate.ts';
import { jsonBody } from '../middleware/body.ts';
import { type Prepared, prepare } from '../prepare.ts';
import { started, streamOf } from '../stream.ts';
import { codeOf, spanned } from '../trace.ts';

/** `POST /v1/generations`: the native request of shared/contract/generation.ts. */
export function generationRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>().post(
    '/v1/generations',
    authenticate(),
    jsonBody({ limit: LIMITS.bodyBytes }),
    async (c) => {
      const { job, model, deterministic } = await prepared(c);
      const subject = { job, account: c.var.account, policy: cachePolicy(job.request, deterministic) };
      const cached = await findCached(subject, model.revision);
      const abort = new AbortController();
      // Where the runtime tells: Cloudflare does; local workerd sees a reader leave only while it writes to him. An answer that is not
      // streamed is not begun before it is complete, so that its status is true; there, then, its work ends with its text.
      c.req.raw.signal.addEventListener('abort', () => abort.abort(), { once: true });
      const events =
        cached === undefined ? await started(keep(subject, forwarded(c, job, abort.signal))) : replay(cached.events);
      return answer(c, { subject, cache: cached?.status ?? subject.policy, events, abort });
    },
  );
}

/** The job of a request, by a span of its own. */
async function prepared(c: Context<EdgeTypes>): Promise<Prepared> {
  const { root, child } = c.var.trace;
  const span = child('validate', 1);
  try {
    const prepared = await prepare(c);
    const { id, request } = prepared.job;
    root.set({ job: id, model: request.model, n: request.n ?? 1, account: c.var.account });
    span.end();
    return prepared;
  } catch (thrown) {
    span.end(codeOf(thrown));
    throw thrown;
  }
}

/** The events of the service, whose work is a child of the span around them. */
function forwarded(c: Context<EdgeTypes>, job: GenerationJob, signal: AbortSignal): AsyncGenerator<NumberedProgress> {
  const span = c.var.trace.child('backend', 3);
  return spanned(span, generate(c.env, { ...job, traceparent: span.traceparent }, signal));
}

interface Running {
  readonly subject: CacheSubject;
  readonly cache: CacheSubject['policy'];
  readonly events: AsyncGenerator<NumberedProgress>;
  readonly abort: AbortController;
}

async function answer(c: Context<EdgeTypes>, { subject, cache, events, abort }: Running): Promise<Response> {
  const { job } = subject;
  c.var.trace.root.set({ cache: cache.status });
  const context = { cache, requestId: c.var.requestId, trace: c.var.trace };
  const headers = {
    // Answers are cached here, where they can be checked against revision and account, and by nobody on the way.
    'cache-control': 'no-store',
    'cache-status': cacheStatusHeader(cache),
    ...(cache.status === 'hit' ? { age: String(cache.age) } : {}),
  };
  const mode = job.request.stream;
  if (mode === undefined || mode === false) return c.json(await jsonAnswer(events, { ...context, job }), 200, headers);
  // The request lasts as long as its stream does, whatever ends it.
  const texts = spanned(c.var.trace.child('answer', 1), sseAnswer(events, mode, context));
  const body = streamOf(texts, () => abort.abort());
  return new Response(body, { headers: { ...headers, 'content-type': 'text/event-stream; charset=utf-8' } });
}

async function* replay(events: readonly ProgressEvent[]): AsyncGenerator<NumberedProgress> {
  for (const [seq, event] of events.entries()) yield { seq, event };
}

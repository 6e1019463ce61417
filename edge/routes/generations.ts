import type { Context } from 'hono';
import { Hono } from 'hono/tiny';
import { LIMITS } from '../../shared/contract/generation.ts';
import { jsonAnswer, sseAnswer } from '../answers/answer.ts';
import { streamOf } from '../answers/stream.ts';
import type { EdgeTypes } from '../env.ts';
import { authenticateOrPay } from '../middleware/authenticate-or-pay.ts';
import { jsonBody } from '../middleware/body.ts';
import { type Run, run } from '../run/run.ts';
import { spanned } from '../watching/trace.ts';

/** `POST /v1/generations`: the native request of shared/contract/generation.ts. */
export function generationRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>().post(
    '/v1/generations',
    authenticateOrPay('generate'),
    jsonBody({ limit: LIMITS.bodyBytes }),
    async (c) => generationAnswer(c, await run(c)),
  );
}

/** What a run is answered with: one JSON object, or its events. */
export async function generationAnswer(
  c: Context<EdgeTypes>,
  { job, cache, headers, events, leave }: Run,
): Promise<Response> {
  const context = { cache, requestId: c.get('requestId'), trace: c.get('trace') };
  const mode = job.request.stream;
  if (mode === undefined || mode === false) return c.json(await jsonAnswer(events, { ...context, job }), 200, headers);
  // The request lasts as long as its stream does, whatever ends it.
  const texts = spanned(c.get('trace').child('answer', 1), sseAnswer(events, mode, context));
  return new Response(streamOf(texts, leave), {
    headers: { ...headers, 'content-type': 'text/event-stream; charset=utf-8' },
  });
}

import type { Context, Handler } from 'hono';
import { Hono } from 'hono/tiny';
import { LIMITS } from '../../shared/contract/generation.ts';
import { streamOf } from '../answers/stream.ts';
import type { EdgeTypes } from '../env.ts';
import { authenticateOrPay } from '../middleware/authenticate-or-pay.ts';
import { jsonBody } from '../middleware/body.ts';
import { openaiAnswer } from '../openai/answer.ts';
import { chatRequest } from '../openai/chat-request.ts';
import { openaiChunks } from '../openai/chunks.ts';
import { completionRequest, fimRequest } from '../openai/completion-request.ts';
import { CHAT, type Dialect, TEXT } from '../openai/dialect.ts';
import { restated } from '../openai/origins.ts';
import type { Translation } from '../openai/translation.ts';
import { run } from '../run/run.ts';
import { spanned } from '../watching/trace.ts';

/** The routes that clients of OpenAI and of Inception know. */
export function openaiRoutes(): Hono<EdgeTypes> {
  const metered = [authenticateOrPay('generate'), jsonBody({ limit: LIMITS.bodyBytes })] as const;
  return new Hono<EdgeTypes>()
    .post('/v1/chat/completions', ...metered, answering(chatRequest, CHAT))
    .post('/v1/completions', ...metered, answering(completionRequest, TEXT))
    .post('/v1/fim/completions', ...metered, answering(fimRequest, TEXT));
}

/** A handler that translates a body, runs it, and tells the answer, or why there is none, in the words of the body. */
function answering(translate: (body: unknown) => Translation, dialect: Dialect): Handler<EdgeTypes> {
  return async function answering(c) {
    const translation = translate(c.var.body);
    try {
      return await answer(c, translation, dialect);
    } catch (error) {
      throw restated(translation.origins, error);
    }
  };
}

async function answer(c: Context<EdgeTypes>, translation: Translation, dialect: Dialect): Promise<Response> {
  const { cache, headers, events, leave } = await run(c, translation.native);
  const context = { cache, requestId: c.var.requestId, trace: c.var.trace };
  const { stream } = translation;
  if (stream === undefined) return c.json(await openaiAnswer(events, dialect, translation, context), 200, headers);
  const texts = openaiChunks(events, dialect, { ...translation, stream }, context);
  return new Response(streamOf(spanned(c.var.trace.child('answer', 1), texts), leave), {
    headers: { ...headers, 'content-type': 'text/event-stream; charset=utf-8' },
  });
}

/**
 * POST /generate: a signed job in, its events out as they come.
 */
import type { Context } from 'hono';
import { LIMITS } from '../../shared/contract/generation.ts';
import { problem } from '../../shared/contract/problem.ts';
import { readTraceparent } from '../../shared/contract/trace.ts';
import { answerLines, type StreamOptions } from './answer.ts';
import { readBody } from './read-body.ts';
import { readJob } from './read-job.ts';

// A job is the caller's request with an id, a model and a seed around it.
const ENVELOPE_BYTES = 4_096;
const MOST_BODY_BYTES = LIMITS.bodyBytes + ENVELOPE_BYTES;

const decoder = new TextDecoder();

/** Handler of POST /generate. A job that is sent again under its id is joined, not started again. */
export function generate({ journal, verify, ...options }: StreamOptions) {
  return async function generateHandler(c: Context): Promise<Response> {
    if (!/^application\/json\s*(;|$)/i.test(c.req.header('content-type') ?? '')) {
      throw problem('unsupported_media_type', 'The content-type must be application/json.');
    }
    const body = await verify(c, () => readBody(c, MOST_BODY_BYTES));
    const job = readJob(decoder.decode(body));
    const log = options.log.child({ request: job.id, trace: readTraceparent(job.traceparent)?.traceId });
    const lines = (signal: AbortSignal) => journal.submit(job, signal);
    return answerLines(c, { ...options, id: job.id, counted: 'streams_started', log, lines });
  };
}

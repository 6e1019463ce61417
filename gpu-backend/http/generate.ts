/**
 * POST /generate: a signed job in, its events out as they come.
 */
import type { Context } from 'hono';
import type { Logger } from 'pino';
import { problem } from '../../shared/contract/problem.ts';
import { SIGNATURE_HEADER, TIME_HEADER, verifyRequest } from '../../shared/contract/signature.ts';
import type { Dispatch } from '../dispatch/dispatch.ts';
import { publicEvents } from '../engine/public-events.ts';
import { eagerReader } from '../engine/reader.ts';
import { ndjsonStream } from './ndjson.ts';
import { problemOf, problemResponse } from './problems.ts';
import { readJob } from './read-job.ts';
import { createReplayGuard } from './replay.ts';

export interface GenerateOptions {
  readonly dispatch: Dispatch;
  /** The secret that edge and backend share. */
  readonly secret: string;
  readonly log: Logger;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

// nginx's number for a client that left before its answer.
const CLIENT_CLOSED_REQUEST = 499;

/**
 * Handler of POST /generate. Problems before the first event are problem+json with their status, later ones a `problem` event.
 * The client's going away aborts the job.
 */
export function generate({ dispatch, secret, log, now = Date.now }: GenerateOptions) {
  const replays = createReplayGuard();
  return async function generateHandler(c: Context): Promise<Response> {
    if (!/^application\/json\s*(;|$)/i.test(c.req.header('content-type') ?? '')) {
      throw problem('unsupported_media_type', 'The content-type must be application/json.');
    }
    const body = await c.req.text();
    const headers = { time: c.req.header(TIME_HEADER), signature: c.req.header(SIGNATURE_HEADER) };
    await verifyRequest(secret, { method: 'POST', path: c.req.path, body }, headers, now());
    replays.once(headers.signature ?? '', now());
    const job = readJob(body);

    const gone = new AbortController();
    const signal = AbortSignal.any([c.req.raw.signal, gone.signal]);
    const events = publicEvents(dispatch.generate(job, eagerReader(signal)));
    const requestLog = log.child({ request: job.id });
    const started = now();
    try {
      const first = await events.next();
      if (first.done) throw new Error('the job has no events');
      const stream = ndjsonStream(first.value, events, {
        onFailure(thrown) {
          if (signal.aborted) return undefined; // nobody reads it
          const failure = problemOf(thrown, requestLog);
          requestLog.warn({ code: failure.code }, 'failed');
          return { type: 'problem', problem: failure };
        },
        onCancel(reason) {
          requestLog.info({ ms: now() - started }, 'cancelled');
          gone.abort(reason ?? new Error('the reader went away'));
        },
      });
      return new Response(stream, { headers: { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' } });
    } catch (thrown) {
      if (signal.aborted) return new Response(null, { status: CLIENT_CLOSED_REQUEST }); // nobody reads it
      const refusal = problemOf(thrown, requestLog);
      requestLog.info({ code: refusal.code }, 'refused');
      return problemResponse(refusal, job.id);
    }
  };
}

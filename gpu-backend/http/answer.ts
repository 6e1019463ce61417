/**
 * The lines of a job as an answer: a status while there is none yet, then a stream for as long as its reader takes it.
 */
import type { Context } from 'hono';
import type { Logger } from 'pino';
import type { Journal } from '../dispatch/journal.ts';
import type { HttpCounters } from './counters.ts';
import { type NdjsonOptions, ndjsonStream } from './ndjson.ts';
import { problemOf, problemResponse } from './problems.ts';
import type { Verifier } from './verify.ts';

/** What the routes that stream have in common. */
export interface StreamOptions {
  readonly journal: Journal;
  readonly verify: Verifier;
  readonly log: Logger;
  readonly counters: HttpCounters;
  readonly pace: StreamPace;
}

/** When a silent stream says that it lives, and when a reader who takes nothing is held to have left. */
export type StreamPace = Pick<NdjsonOptions, 'keepAliveMs' | 'stallMs'>;

export interface AnswerOptions extends Pick<StreamOptions, 'log' | 'counters' | 'pace'> {
  readonly id: string;
  /** What a stream that begins is counted as. */
  readonly counted: 'streams_started' | 'streams_resumed';
  /** The job's lines; aborting the signal is the reader's going away. */
  readonly lines: (signal: AbortSignal) => AsyncGenerator<Uint8Array, void>;
}

// nginx's number for a client that left before its answer.
const CLIENT_CLOSED_REQUEST = 499;

const HEADERS = { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' };

/** Problems before the first line are problem+json with their status; the reader's going away ends the iteration. */
export async function answerLines(
  c: Context,
  { id, counted, lines, log, counters, pace }: AnswerOptions,
): Promise<Response> {
  const gone = new AbortController();
  const signal = AbortSignal.any([c.req.raw.signal, gone.signal]);
  const all = lines(signal);
  try {
    const first = await all.next();
    counters.add(counted);
    if (first.done) return new Response(null, { headers: HEADERS }); // taken up behind its end
    const leave = (reason: unknown) => {
      if (gone.signal.aborted) return;
      counters.add('streams_left');
      log.info('reader left');
      gone.abort(reason ?? new Error('the reader went away'));
    };
    const body = ndjsonStream(first.value, all, {
      onLeave: leave,
      onStall() {
        counters.add('streams_stalled');
        leave(new Error('the reader stopped reading'));
        socketOf(c)?.destroy();
      },
      onKeepAlive: () => counters.add('keep_alives'),
      ...pace,
    });
    return new Response(body, { headers: HEADERS });
  } catch (thrown) {
    if (signal.aborted) {
      counters.add('streams_left');
      return new Response(null, { status: CLIENT_CLOSED_REQUEST }); // nobody reads it
    }
    const refusal = problemOf(thrown, log);
    counters.add('requests_refused', 1, { code: refusal.code });
    log.info({ code: refusal.code }, 'refused');
    return problemResponse(refusal, id);
  }
}

/** What @hono/node-server gives an app beside the request; absent where the app is called without a socket. */
function socketOf(c: Context): { destroy(): void } | undefined {
  const { outgoing } = (c.env ?? {}) as { readonly outgoing?: { destroy(): void } };
  return outgoing;
}

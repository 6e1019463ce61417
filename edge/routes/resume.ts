import type { Context } from 'hono';
import { Hono } from 'hono/tiny';
import { problem, streamGone } from '../../shared/contract/problem.ts';
import { type Place, readPlace, START, type StreamMode, sseAnswer } from '../answers/answer.ts';
import { BYPASS, cacheHeaders } from '../answers/cache.ts';
import { streamOf } from '../answers/stream.ts';
import type { EdgeTypes } from '../env.ts';
import { authenticate } from '../middleware/authenticate.ts';
import { readQueryOf } from '../requests/query.ts';
import { takeUp } from '../run/take-up.ts';
import { spanned } from '../watching/trace.ts';

/** `GET /v1/generations/{id}/events`: the rest of a stream whose reader lost it. */
export function resumeRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>().get('/v1/generations/:id/events', authenticate('generate'), async (c) => {
    const id = c.req.param('id');
    const { mode, seen } = readQuery(c);
    if (!/^gen_[0-9a-z]{24}$/.test(id)) throw streamGone();
    c.var.trace.root.set({ job: id, account: c.var.caller.account });
    // What of a text can no longer change is known only to who has seen all of it.
    const { events, leave } = await takeUp(c, id, mode === 'text' ? -1 : seen.seq);
    // What is taken up neither comes from the cache nor goes there.
    const context = { cache: BYPASS, requestId: c.var.requestId, trace: c.var.trace };
    const headers = { ...cacheHeaders(BYPASS), 'content-type': 'text/event-stream; charset=utf-8' };
    const texts = spanned(c.var.trace.child('answer', 1), sseAnswer(events, mode, context, seen));
    return new Response(streamOf(texts, leave), { headers });
  });
}

const PARAMETERS = ['stream', 'last_event_id'] as const;

function readQuery(c: Context<EdgeTypes>): { readonly mode: StreamMode; readonly seen: Place } {
  const query = readQueryOf(c, PARAMETERS);
  const { stream: mode } = query;
  if (mode !== 'steps' && mode !== 'text') {
    throw problem('invalid_request', 'stream must be "steps" or "text", as in the request.', { pointer: '/stream' });
  }
  // A client that comes back by itself sends the header; the address is still that of its first try.
  const id = c.req.header('last-event-id') ?? query.last_event_id;
  const seen = id === undefined ? START : readPlace(id);
  if (seen === undefined) {
    const detail = 'Last-Event-ID must be the id of an event of this stream: "7", or "7.1".';
    throw problem('invalid_request', detail, { pointer: '/last_event_id' });
  }
  return { mode, seen };
}

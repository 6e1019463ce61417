import { type Context, Hono } from 'hono';
import { problem, streamGone } from '../../shared/contract/problem.ts';
import { type Place, readPlace, START, type StreamMode, sseAnswer } from '../answer.ts';
import { type CacheStatus, cacheStatusHeader } from '../cache.ts';
import type { EdgeTypes } from '../env.ts';
import { resume } from '../forward.ts';
import { authenticate } from '../middleware/authenticate.ts';
import { readQueryOf } from '../query.ts';
import { started, streamOf } from '../stream.ts';
import { spanned } from '../trace.ts';

/** What is taken up neither comes from the cache nor goes there. */
const CACHE: CacheStatus = { status: 'bypass', age: 0, ttl: 0 };

/** `GET /v1/generations/{id}/events`: the rest of a stream whose reader lost it. */
export function resumeRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>().get('/v1/generations/:id/events', authenticate('generate'), async (c) => {
    const id = c.req.param('id');
    const { mode, seen } = readQuery(c);
    if (!/^gen_[0-9a-z]{24}$/.test(id)) throw streamGone();
    const abort = new AbortController();
    c.req.raw.signal.addEventListener('abort', () => abort.abort(), { once: true });
    // What of a text can no longer change is known only to who has seen all of it.
    const after = mode === 'text' ? -1 : seen.seq;
    const { root, child } = c.var.trace;
    const { account } = c.var.caller;
    root.set({ job: id, account });
    const rest = resume(c.env, { id, owner: account, after }, abort.signal);
    const events = await started(spanned(child('backend', 3), rest));
    const context = { cache: CACHE, requestId: c.var.requestId, trace: c.var.trace };
    const headers = {
      'cache-control': 'no-store',
      'cache-status': cacheStatusHeader(CACHE),
      'content-type': 'text/event-stream; charset=utf-8',
    };
    const texts = spanned(child('answer', 1), sseAnswer(events, mode, context, seen));
    return new Response(
      streamOf(texts, () => abort.abort()),
      { headers },
    );
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

/**
 * GET /jobs/{id}/events?owner=...&after=N: the events of a job that a reader has lost, from number N + 1 on.
 */
import type { Context } from 'hono';
import { problem } from '../../shared/contract/problem.ts';
import { answerLines, type StreamOptions } from './answer.ts';
import { ownerOf } from './work.ts';

/** Handler of GET /jobs/:id/events, signed like POST /generate with its query. Without `after`: from the first event on. */
export function events({ journal, verify, ...options }: StreamOptions) {
  return async function eventsHandler(c: Context): Promise<Response> {
    await verify(c, async () => new Uint8Array(0));
    const id = c.req.param('id') ?? '';
    const owner = ownerOf(c);
    const { after = '-1' } = c.req.query();
    if (!/^(-1|\d{1,9})$/.test(after)) {
      throw problem('invalid_request', 'after: must be the number of an event, or -1', { pointer: '/after' });
    }
    const log = options.log.child({ request: id });
    const lines = (signal: AbortSignal) => journal.attach(id, owner, Number(after), signal);
    return answerLines(c, { ...options, id, counted: 'streams_resumed', log, lines });
  };
}

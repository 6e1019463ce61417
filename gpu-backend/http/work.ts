/**
 * GET /jobs/{id}/work?owner=...: what a job did. DELETE /jobs/{id}?owner=...: its reader has left for good; the same, once it has ended.
 */
import type { Context } from 'hono';
import type { JobWork } from '../../shared/contract/job-work.ts';
import { problem, streamGone } from '../../shared/contract/problem.ts';
import type { Journal } from '../dispatch/journal.ts';
import type { Verifier } from './verify.ts';

export interface WorkOptions {
  readonly journal: Pick<Journal, 'work' | 'end'>;
  readonly verify: Verifier;
}

/** Handler of GET /jobs/:id/work, signed with its query. */
export function work({ journal, verify }: WorkOptions) {
  return async function workHandler(c: Context): Promise<Response> {
    await verify(c, async () => new Uint8Array(0));
    return answer(c, await journal.work(idOf(c), ownerOf(c)));
  };
}

/** Handler of DELETE /jobs/:id, signed with its query. `unread=1`: nobody has had anything of it, and it counts as nothing. */
export function end({ journal, verify }: WorkOptions) {
  return async function endHandler(c: Context): Promise<Response> {
    await verify(c, async () => new Uint8Array(0));
    return answer(c, await journal.end(idOf(c), ownerOf(c), c.req.query('unread') === '1'));
  };
}

/** @throws ProblemError stream_gone where there is no such job of this owner */
function answer(c: Context, known: JobWork | undefined): Response {
  if (known === undefined) throw streamGone();
  return c.json(known);
}

const idOf = (c: Context) => c.req.param('id') ?? '';

/** @throws ProblemError invalid_request */
export function ownerOf(c: Context): string {
  const { owner = '' } = c.req.query();
  if (owner === '') throw problem('invalid_request', 'owner: must be given', { pointer: '/owner' });
  return owner;
}

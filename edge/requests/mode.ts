/** Whose numbers a key may read: a live key those of both modes, a test key those of its own. */
import type { Context } from 'hono';
import { problem } from '../../shared/contract/problem.ts';
import { MODES } from '../accounts.ts';
import type { EdgeTypes } from '../env.ts';
import type { Mode } from '../ledger/protocol.ts';
import { oneOf } from './query.ts';

/**
 * The mode a request asks about, that of its key by default.
 * @throws ProblemError `invalid_request` or `missing_scope`
 */
export function modeAsked(c: Context<EdgeTypes>, asked: string | undefined): Mode {
  const { mode: own } = c.var.caller;
  if (asked === undefined) return own;
  const mode = oneOf('mode', MODES, asked);
  if (own === 'test' && mode === 'live') throw problem('missing_scope', 'A test key reads the test ledger only.');
  return mode;
}

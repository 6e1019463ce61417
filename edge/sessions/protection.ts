/** How much has to be known of who runs a preset from a page. */
import type { Context } from 'hono';
import type { Protection } from '../../shared/contract/preset.ts';
import { problem } from '../../shared/contract/problem.ts';
import type { EdgeTypes } from '../env.ts';

/** @throws ProblemError `session_required` */
export function checkProtection(c: Context<EdgeTypes>, protection: Protection): void {
  const { session, visitor } = c.var;
  // A server with a secret key needs nobody to stand for it.
  if (protection === 'origin' || visitor === undefined) return;
  if (protection === 'turnstile' && session !== undefined) return;
  if (protection === 'session' && session?.kind === 'secret') return;
  const how = protection === 'turnstile' ? 'with a token of Turnstile' : 'by a server with a secret key';
  throw problem('session_required', `The preset runs in client sessions only; they are made ${how}.`);
}

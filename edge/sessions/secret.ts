/** The secret that client sessions are signed with, and what presets keep secret is sealed with. */
import { problem } from '../../shared/contract/problem.ts';
import { SECRET_CHARACTERS } from '../../shared/contract/signature.ts';
import type { Env } from '../env.ts';

/** @throws ProblemError `not_configured` where there is none, or one that could be guessed */
export function sessionSecret({ SESSION_SECRET: secret }: Pick<Env, 'SESSION_SECRET'>): string {
  if (secret !== undefined && secret.length >= SECRET_CHARACTERS) return secret;
  const detail = `This deployment has no client sessions: SESSION_SECRET is not set, or has fewer than ${SECRET_CHARACTERS} characters.`;
  throw problem('not_configured', detail);
}

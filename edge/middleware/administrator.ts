import type { MiddlewareHandler } from 'hono';
import { problem } from '../../shared/contract/problem.ts';
import { SECRET_CHARACTERS } from '../../shared/contract/signature.ts';
import { equalSecrets } from '../constant-time.ts';
import type { EdgeTypes } from '../env.ts';
import { bearerOf } from './authenticate.ts';

/** Lets only the holder of ADMIN_SECRET pass; where there is none, or one that could be guessed, nobody. */
export function administrator(): MiddlewareHandler<EdgeTypes> {
  return async function administrator(c, next) {
    const secret = c.env.ADMIN_SECRET;
    if (secret === undefined || secret.length < SECRET_CHARACTERS) {
      const detail = `Accounts are not administered here: ADMIN_SECRET is not set, or has fewer than ${SECRET_CHARACTERS} characters.`;
      throw problem('not_configured', detail);
    }
    const given = bearerOf(c);
    if (given === undefined || !(await equalSecrets(given, secret))) {
      throw problem('invalid_key', 'The header Authorization does not hold the secret of the administrator.');
    }
    await next();
  };
}

/** How a client session comes to be: a server with a secret key asks for it, or a page whose visitor Turnstile verified. */
import type { Context } from 'hono';
import {
  type ClientSessionRequest,
  clientSessionSchema,
  SESSION_LIMITS,
} from '../../shared/contract/client-session.ts';
import { type ProblemError, problem } from '../../shared/contract/problem.ts';
import type { EdgeTypes } from '../env.ts';
import { sessionIdentifier } from '../identifier.ts';
import { isOrigin } from '../keys/origins.ts';
import { findPreset } from '../presets/find.ts';
import { unseal } from '../presets/sealed.ts';
import type { StoredPreset } from '../presets/stored.ts';
import { checkValues } from '../presets/values.ts';
import { validate } from '../requests/validate.ts';
import type { Session } from './token.ts';
import { verifyVisitor } from './turnstile.ts';
import { addressOf } from './visitor.ts';

/** What one of the two ways decides of a session. */
type Decided = Pick<Session, 'kind' | 'origin' | 'uses' | 'variables'> & { readonly seconds: number };

/**
 * The session that a body asks for.
 * @throws ProblemError with the pointer of the field; `unknown_preset`, `session_required`, `visitor_not_verified`, `upstream_failed`
 */
export async function openSession(c: Context<EdgeTypes>): Promise<Session> {
  const asked = validate(clientSessionSchema, c.var.body);
  const page = c.var.corsOrigin;
  const fields = page === undefined ? OF_SERVERS : OF_PAGES;
  checkFields(asked, fields);
  const preset = await findPreset(c.env, c.var.caller, asked.preset);
  const { seconds, ...decided } =
    page === undefined ? decidedByServer(asked, preset) : await decidedByTurnstile(c, page, asked, preset);
  const { key } = c.var.caller;
  const expires = Date.now() + seconds * 1000;
  return { id: sessionIdentifier(), key, preset: preset.id, expires, ...decided };
}

interface Fields {
  readonly required: readonly (keyof ClientSessionRequest)[];
  readonly refused: readonly (keyof ClientSessionRequest)[];
  readonly of: string;
}

const OF_SERVERS: Fields = { required: ['origin'], refused: ['turnstile_token'], of: 'publishable' };
/** A page asks for what everybody may ask for, so it chooses nothing. */
const OF_PAGES: Fields = {
  required: ['turnstile_token'],
  refused: ['origin', 'expires_in_seconds', 'uses', 'variables'],
  of: 'secret',
};

function checkFields(asked: ClientSessionRequest, { required, refused, of }: Fields): void {
  const foreign = refused.find((field) => asked[field] !== undefined);
  if (foreign !== undefined) throw invalid(`/${foreign}`, `is for ${of} keys only`);
  const missing = required.find((field) => asked[field] === undefined);
  if (missing !== undefined) throw invalid(`/${missing}`, 'is missing');
}

function decidedByServer(asked: ClientSessionRequest, { terms }: StoredPreset): Decided {
  const { origin = '', expires_in_seconds: seconds = SESSION_LIMITS.defaultSeconds, variables } = asked;
  if (!isOrigin(origin)) {
    throw invalid('/origin', 'must be an origin, "https://www.example.com" without a path; http is for localhost');
  }
  if (variables !== undefined) checkValues(terms.variables, variables);
  return { kind: 'secret', origin, seconds, uses: asked.uses ?? SESSION_LIMITS.defaultUses, variables };
}

async function decidedByTurnstile(
  c: Context<EdgeTypes>,
  origin: string,
  { turnstile_token: token = '' }: ClientSessionRequest,
  { id, terms, turnstile }: StoredPreset,
): Promise<Decided> {
  if (terms.protection === 'session') {
    throw problem('session_required', 'The preset runs in client sessions that a server made with a secret key.');
  }
  if (turnstile === undefined) throw invalid('/preset', 'has no Turnstile; it runs with the publishable key itself');
  const secret = await unseal(c.env, id, turnstile);
  await verifyVisitor(c.env, { secret, token, origin, address: addressOf(c) });
  const { defaultSeconds: seconds, defaultUses: uses } = SESSION_LIMITS;
  return { kind: 'publishable', origin, seconds, uses };
}

function invalid(pointer: string, what: string): ProblemError {
  return problem('invalid_request', `The field ${pointer} ${what}.`, { pointer });
}

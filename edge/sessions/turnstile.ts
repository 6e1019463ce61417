/**
 * Turnstile's word on a visitor (https://developers.cloudflare.com/turnstile/get-started/server-side-validation/): a token is verified once,
 * and belongs to the page that it was made on. Whatever is not a plain yes is a no.
 */
import { type ProblemError, problem } from '../../shared/contract/problem.ts';
import type { Env } from '../env.ts';
import { isLoopback } from '../keys/origins.ts';
import { log } from '../watching/log.ts';

const SITEVERIFY = 'https://challenges.cloudflare.com/turnstile/v0/siteverify';
const TIMEOUT_MS = 5_000;

export interface Verified {
  /** Of the account's widget at Turnstile. */
  readonly secret: string;
  readonly token: string;
  /** The page as its browser states it. */
  readonly origin: string;
  /** The visitor's address, where it is known. */
  readonly address: string | undefined;
}

/** What siteverify answers, as far as it matters here. */
interface Outcome {
  readonly success?: unknown;
  readonly hostname?: unknown;
  readonly 'error-codes'?: readonly unknown[];
  readonly metadata?: { readonly result_with_testing_key?: unknown };
}

/** @throws ProblemError `visitor_not_verified`; `upstream_failed` where Turnstile cannot be asked */
export async function verifyVisitor(env: Pick<Env, 'TURNSTILE_URL'>, asked: Verified): Promise<void> {
  const { secret, token: response, origin, address } = asked;
  // The same for both tries: a token that was verified by one whose answer was lost is not verified already.
  const body = { secret, response, remoteip: address, idempotency_key: crypto.randomUUID() };
  const send = () => ask(env.TURNSTILE_URL ?? SITEVERIFY, JSON.stringify(body));
  const outcome = await send()
    .catch(send)
    .catch((error) => {
      log('error', 'Turnstile could not be asked', { error: String(error) });
      throw problem('upstream_failed', 'The visitor could not be verified; try again.', { retryAfter: 2 });
    });
  if (outcome.success !== true) throw notVerified(`it says ${JSON.stringify(outcome['error-codes'])}`);
  // A token of Turnstile's keys for tests says yes to everybody, for a page of no name.
  const testing = outcome.metadata?.result_with_testing_key === true;
  if (testing ? isLoopback(origin) : outcome.hostname === new URL(origin).hostname) return;
  throw notVerified(
    testing ? 'keys for tests work on pages of localhost only' : 'the token was made on the page of another host',
  );
}

/** @throws Error where it is worth another try */
async function ask(url: string, body: string): Promise<Outcome> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
  const outcome = (await response.json()) as Outcome;
  if (outcome['error-codes']?.includes('internal-error')) throw new Error('internal-error');
  return outcome;
}

function notVerified(why: string): ProblemError {
  return problem('visitor_not_verified', `Turnstile did not verify the visitor: ${why}.`, {
    pointer: '/turnstile_token',
  });
}

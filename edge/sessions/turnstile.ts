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
const TRIES = 2;

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
  // The same for all tries: a token that was verified by one whose answer was lost is not verified already.
  const body = { secret, response, remoteip: address, idempotency_key: crypto.randomUUID() };
  const outcome = await ask(env.TURNSTILE_URL ?? SITEVERIFY, JSON.stringify(body));
  if (outcome.success !== true) throw refusal((outcome['error-codes'] ?? []).map(String));
  // A token of Turnstile's keys for tests says yes to everybody, for a page of no name.
  const testing = outcome.metadata?.result_with_testing_key === true;
  if (testing ? isLoopback(origin) : outcome.hostname === new URL(origin).hostname) return;
  throw notVerified(
    testing ? 'keys for tests work on pages of localhost only' : 'the token was made on the page of another host',
  );
}

async function ask(url: string, body: string): Promise<Outcome> {
  for (let left = TRIES - 1; ; left--) {
    const outcome = await askOnce(url, body).catch((error) => String(error));
    if (typeof outcome !== 'string') return outcome;
    if (left > 0) continue;
    log('error', 'Turnstile could not be asked', { error: outcome });
    throw problem('upstream_failed', 'The visitor could not be verified; try again.', { retryAfter: 2 });
  }
}

/** @throws Error where it is worth another try */
async function askOnce(url: string, body: string): Promise<Outcome> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
  const outcome: unknown = await response.json();
  if (outcome === null || typeof outcome !== 'object') throw new Error(`status ${response.status}`);
  const known = outcome as Outcome;
  if (known['error-codes']?.includes('internal-error')) throw new Error('internal-error');
  return known;
}

function refusal(codes: readonly string[]): ProblemError {
  if (codes.includes('timeout-or-duplicate')) return notVerified('the token is too old or was used before');
  if (codes.some((code) => code.endsWith('-input-secret'))) return notVerified('the secret of the preset is not known');
  return notVerified('the token is none that it made for this preset');
}

function notVerified(why: string): ProblemError {
  return problem('visitor_not_verified', `Turnstile did not verify the visitor: ${why}.`, {
    pointer: '/turnstile_token',
  });
}

/** A stand-in for Turnstile's siteverify, in the shapes that it answers with: a token is good once, or again under the same idempotency key. */
import type { StandIn } from '../billing/stand-ins.ts';

/** Where it is by default. */
export const TURNSTILE_HOST = 'challenges.cloudflare.com';
export const TURNSTILE_SECRET = '0x4AAAAAAA-the-secret-of-this-test';
/** Turnstile's own secret that says yes to everybody. */
export const TESTING_SECRET = '1x0000000000000000000000000000000AA';

interface Asked {
  readonly secret: string;
  readonly response: string;
  readonly remoteip?: string;
  readonly idempotency_key: string;
}

export function turnstileServer() {
  const state = { down: false, loseAnswers: 0, busy: 0 };
  const asked: Asked[] = [];
  /** Tokens that visitors got, with the host of the page. */
  const tokens = new Map<string, string>();
  const spent = new Map<string, string>();
  const no = (...codes: string[]) => Response.json({ success: false, 'error-codes': codes, messages: [] });
  const answer = ({ secret, response, idempotency_key: key }: Asked): Response => {
    if (state.busy-- > 0) return no('internal-error');
    const challenge_ts = new Date().toISOString();
    if (secret === TESTING_SECRET) {
      const metadata = { result_with_testing_key: true };
      return Response.json({ success: true, 'error-codes': [], challenge_ts, hostname: 'example.com', metadata });
    }
    if (secret !== TURNSTILE_SECRET) return no('invalid-input-secret');
    const hostname = tokens.get(response);
    if (hostname === undefined) return no('invalid-input-response');
    if ((spent.get(response) ?? key) !== key) return no('timeout-or-duplicate');
    spent.set(response, key);
    const metadata = { interactive: false };
    return Response.json({
      ...{ success: true, 'error-codes': [], challenge_ts, hostname, action: '', cdata: '', metadata },
    });
  };
  const server: StandIn = async (request) => {
    if (state.down) throw new Error('connection refused');
    const body = (await request.json()) as Asked;
    asked.push(body);
    const response = answer(body);
    if (state.loseAnswers-- > 0) throw new Error('connection reset');
    return response;
  };
  return { state, server, tokens, asked };
}

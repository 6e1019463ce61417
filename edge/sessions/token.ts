/**
 * Client sessions as pages carry them: `cs_`, what the session may do, and an HMAC-SHA256 of both. Nothing is kept of a session but how
 * often it was used, which its ledger counts; so making one costs no storage, and nobody but us can make or change one.
 */
import type { KeyKind } from '../../shared/contract/key.ts';
import { problem } from '../../shared/contract/problem.ts';
import { fromHex, hmacKey, toHex } from '../../shared/contract/signature.ts';
import type { Tally } from '../ledger/protocol.ts';

/** What a session's token begins with. */
export const SESSION_PREFIX = 'cs_';

export interface Session {
  /** 'session_...', no secret. */
  readonly id: string;
  /** Id of the key that it was made with: it pays, and when it ends so do its sessions. */
  readonly key: string;
  /** Of that key: `publishable` where Turnstile stood for the visitor, `secret` where the account's own server did. */
  readonly kind: KeyKind;
  /** Id of the only preset that it runs. */
  readonly preset: string;
  /** The only page it runs from, as its browser states it. */
  readonly origin: string;
  /** How often. */
  readonly uses: number;
  /** Unix milliseconds. */
  readonly expires: number;
  /** Variables that the page cannot change. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** For so long is a session's tally kept beyond its end: the clocks of an edge and a ledger may differ. */
const SLACK_MS = 60_000;

/** What its ledger counts of a session, at each run that begins. */
export function tallyOf({ id, uses, expires }: Session): Tally {
  const detail = `The client session was used ${uses} times, which is all; a new one is needed.`;
  const refusal = { code: 'session_used', detail, waits: false } as const;
  return { id: `session:${id}`, measure: 'requests', most: uses, ends: expires + SLACK_MS, refusal };
}

const encoder = new TextEncoder();

/** The token of a session: a secret of the page that it is given to. */
export async function signSession(secret: string, session: Session): Promise<string> {
  const signed = SESSION_PREFIX + toHex(encoder.encode(JSON.stringify(session)));
  const signature = await crypto.subtle.sign('HMAC', await hmacKey(secret), encoder.encode(signed));
  return `${signed}.${toHex(new Uint8Array(signature))}`;
}

/** The session of a token, which may have expired. @throws ProblemError `invalid_session` where we did not sign it */
export async function readSession(secret: string, token: string): Promise<Session> {
  const end = token.lastIndexOf('.');
  const signed = token.slice(0, end);
  const [terms, signature] = [fromHex(signed.slice(SESSION_PREFIX.length)), fromHex(token.slice(end + 1))];
  const ours =
    terms !== undefined &&
    signature !== undefined &&
    // WebCrypto compares in constant time.
    (await crypto.subtle.verify('HMAC', await hmacKey(secret), signature, encoder.encode(signed)));
  if (ours) return JSON.parse(new TextDecoder().decode(terms)) as Session;
  throw problem('invalid_session', 'The client session in the header Authorization was not made here, or is cut off.');
}

/** Signatures of Stripe's webhooks (https://docs.stripe.com/webhooks#verify-manually): HMAC-SHA256 over time and raw body, by WebCrypto. */
import { type ProblemError, problem } from '../../shared/contract/problem.ts';
import { fromHex } from '../../shared/contract/signature.ts';

/** Largest difference of the two clocks; it also bounds how long a recorded event can be sent again. */
const TOLERANCE_S = 300;
/** Of signatures in one header: Stripe sends one for each secret that is valid. */
const MOST_SIGNATURES = 8;

/**
 * Checks that Stripe sent this body.
 * @param secrets one, or two separated by a comma while it is rolled
 * @param now Unix milliseconds
 * @throws ProblemError `bad_signature`
 */
export async function verifyStripe(
  secrets: string,
  header: string | undefined,
  body: Uint8Array,
  now: number = Date.now(),
): Promise<void> {
  const pairs = (header ?? '').split(',').map((part) => part.trim().split('=', 2) as [string, string?]);
  const time = pairs.find(([name]) => name === 't')?.[1] ?? '';
  if (!/^\d{1,12}$/.test(time)) throw refused('is missing or has no time');
  if (Math.abs(now / 1000 - Number(time)) > TOLERANCE_S) throw refused(`is older than ${TOLERANCE_S} s`);
  const given = pairs.filter(([name]) => name === 'v1').slice(0, MOST_SIGNATURES);
  const signed = signedBytes(time, body);
  for (const secret of secrets.split(',').map((each) => each.trim())) {
    if (secret === '') continue;
    const key = await importKey(secret);
    for (const [, hex] of given) {
      const signature = fromHex(hex ?? '');
      // WebCrypto compares in constant time.
      if (signature !== undefined && (await crypto.subtle.verify('HMAC', key, signature, signed))) return;
    }
  }
  throw refused('does not sign this body');
}

function refused(why: string): ProblemError {
  return problem('bad_signature', `The header Stripe-Signature ${why}.`);
}

function signedBytes(time: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`${time}.`);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

function importKey(secret: string): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret);
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
}

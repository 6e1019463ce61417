/**
 * Signature of the internal requests, edge -> backend: HMAC-SHA256 over time, method, path and body.
 *
 * WebCrypto only, so the same file runs in Node and in a Worker. Comparison is `crypto.subtle.verify`, which both
 * runtimes do in constant time.
 */
import { problem } from './problem.ts';

export const TIME_HEADER = 'x-maskwright-time';
export const SIGNATURE_HEADER = 'x-maskwright-signature';

/** Largest difference of the two clocks, in milliseconds; it also bounds how long a recorded request can be replayed. */
export const CLOCK_SKEW_MS = 60_000;

/** Fewest characters of the shared secret. */
export const SECRET_CHARACTERS = 32;

export interface SignableRequest {
  /** Upper case: 'POST'. */
  readonly method: string;
  /** Path with its query, as it stands in the request line: '/generate'. */
  readonly path: string;
  /** The body exactly as it is sent. */
  readonly body: string | Uint8Array;
}

export interface SignatureHeaders {
  readonly [TIME_HEADER]: string;
  readonly [SIGNATURE_HEADER]: string;
}

const encoder = new TextEncoder();
const keys = new Map<string, Promise<CryptoKey>>();

/**
 * Signs a request: the two headers to send with it.
 * @param now Unix time in milliseconds.
 * @throws RangeError when the secret is shorter than 32 characters.
 */
export async function signRequest(
  secret: string,
  request: SignableRequest,
  now: number = Date.now(),
): Promise<SignatureHeaders> {
  const time = String(now);
  const signature = await crypto.subtle.sign('HMAC', await hmacKey(secret), signedBytes(time, request));
  return { [TIME_HEADER]: time, [SIGNATURE_HEADER]: toHex(new Uint8Array(signature)) };
}

/** The two headers as they came, undefined or null where absent. */
export interface GivenSignature {
  readonly time: string | null | undefined;
  readonly signature: string | null | undefined;
}

/**
 * What the two headers alone say: a request that is refused here need not be read any further.
 * @param now Unix time in milliseconds.
 * @throws ProblemError `bad_signature` when one is missing, or the time is malformed or stale.
 */
export function checkSignatureHeaders({ time, signature }: GivenSignature, now: number = Date.now()): void {
  if (time == null || signature == null) {
    throw problem('bad_signature', `The headers ${TIME_HEADER} and ${SIGNATURE_HEADER} must both be given.`);
  }
  if (!/^\d{1,15}$/.test(time) || Math.abs(now - Number(time)) > CLOCK_SKEW_MS) {
    const allowed = `Unix milliseconds within ${CLOCK_SKEW_MS / 1000} s of the receiver's clock`;
    throw problem('bad_signature', `The header ${TIME_HEADER} must hold ${allowed}.`);
  }
}

/**
 * Checks the two headers of a request.
 * @param now Unix time in milliseconds.
 * @throws ProblemError `bad_signature` when one is missing, malformed, stale or wrong.
 */
export async function verifyRequest(
  secret: string,
  request: SignableRequest,
  headers: GivenSignature,
  now: number = Date.now(),
): Promise<void> {
  checkSignatureHeaders(headers, now);
  const time = headers.time ?? '';
  const given = fromHex(headers.signature ?? '');
  const right =
    given !== undefined &&
    (await crypto.subtle.verify('HMAC', await hmacKey(secret), given, signedBytes(time, request)));
  if (!right) throw problem('bad_signature', `The header ${SIGNATURE_HEADER} does not sign this request.`);
}

function signedBytes(time: string, { method, path, body }: SignableRequest): Uint8Array<ArrayBuffer> {
  const head = encoder.encode(`${time}\n${method}\n${path}\n`);
  const tail = typeof body === 'string' ? encoder.encode(body) : body;
  const bytes = new Uint8Array(head.length + tail.length);
  bytes.set(head);
  bytes.set(tail, head.length);
  return bytes;
}

/**
 * A secret as a key of HMAC-SHA256, imported once per process: a deployment has few.
 * @throws RangeError when it is shorter than 32 characters.
 */
export function hmacKey(secret: string): Promise<CryptoKey> {
  if (secret.length < SECRET_CHARACTERS) {
    throw new RangeError(`the shared secret has ${secret.length} characters; at least ${SECRET_CHARACTERS} are needed`);
  }
  let key = keys.get(secret);
  if (key === undefined) {
    key = crypto.subtle.importKey('raw', encoder.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
      'sign',
      'verify',
    ]);
    keys.set(secret, key);
  }
  return key;
}

/** Lower-case hexadecimal of bytes. */
export function toHex(bytes: Uint8Array): string {
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return hex;
}

/** Bytes of a hexadecimal string, undefined when it is none. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> | undefined {
  if (hex.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(hex)) return undefined;
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

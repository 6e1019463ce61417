/**
 * The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the same key with the same body gives the same answer again,
 * and with another one none.
 */
import { canonicalJson } from '../../shared/contract/canonical.ts';
import { sha256Hex } from '../../shared/contract/digest.ts';
import { problem } from '../../shared/contract/problem.ts';
import type { Begin } from '../ledger/protocol.ts';

/** What says on an answer that it was given before. */
export const REPLAYED_HEADER = 'idempotent-replayed';

const MOST_CHARACTERS = 255;
const VISIBLE = /^[\x21-\x7e]+$/;
/** A string of RFC 9651: in quotes, with a backslash before a quote or a backslash. */
const STRING = /^"((?:[^"\\]|\\["\\])*)"$/;

/** The key that a header names, whether in quotes or bare. @throws ProblemError `invalid_header` */
export function readIdempotencyKey(header: string): string {
  const quoted = STRING.exec(header)?.[1].replace(/\\(["\\])/g, '$1');
  const key = header.startsWith('"') ? (quoted ?? '') : header;
  if (VISIBLE.test(key) && key.length <= MOST_CHARACTERS) return key;
  const allowed = `1 to ${MOST_CHARACTERS} visible characters of ASCII, in quotes or bare`;
  throw problem('invalid_header', `The header Idempotency-Key must be ${allowed}.`);
}

/**
 * What a ledger tells requests apart by, undefined where there is no header. The key itself stays here.
 * @param caller id of the API key, or of the client session: those of two do not meet
 * @param route with the body, what must be the same
 */
export async function idempotencyOf(
  header: string | undefined,
  caller: string,
  route: string,
  body: unknown,
): Promise<Begin['idempotency']> {
  if (header === undefined) return undefined;
  const given = readIdempotencyKey(header);
  const digestOf = (value: unknown) => sha256Hex(canonicalJson(value));
  const [key, fingerprint] = await Promise.all([digestOf([caller, given]), digestOf([route, body])]);
  return { key, fingerprint };
}

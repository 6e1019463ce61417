/**
 * What an API key looks like: `sk_live_`, `sk_test_` or `pk_live_`, 256 random bits in base62 and a checksum, so that a mistyped
 * key is known without asking anybody, and a scanner for leaked secrets has few false alarms.
 */

/** `secret` keys belong on servers; `publishable` ones may be seen in web pages and only work from the pages of their origins. */
export type KeyKind = 'secret' | 'publishable';

export interface KeyForm {
  readonly kind: KeyKind;
  /** Test keys spend play money. */
  readonly mode: 'live' | 'test';
}

/** All there are: what a page shows the world is never worth a test of its own. */
const PREFIXES: Readonly<Record<string, KeyForm>> = {
  sk_live_: { kind: 'secret', mode: 'live' },
  sk_test_: { kind: 'secret', mode: 'test' },
  pk_live_: { kind: 'publishable', mode: 'live' },
};

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_BYTES = 32;
/** 62^43 is just above 2^256. */
const RANDOM_CHARACTERS = 43;
/** 62^6 is above 2^32. */
const CHECKSUM_CHARACTERS = 6;

/** For scanners of leaked secrets; `parseKey` says whether a match is one. */
export const KEY_PATTERN = /^(sk_live_|sk_test_|pk_live_)([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/;

/** What can be said of a key without looking it up. */
export type ParsedKey =
  | ({ readonly type: 'key' } & KeyForm)
  /** It has the form of a key, but some character is wrong. */
  | { readonly type: 'mistyped' }
  | { readonly type: 'other' };

export function parseKey(text: string): ParsedKey {
  const [, prefix, random, checksum] = KEY_PATTERN.exec(text) ?? [];
  if (prefix === undefined) return { type: 'other' };
  if (checksumOf(prefix + random) !== checksum) return { type: 'mistyped' };
  return { type: 'key', ...PREFIXES[prefix] };
}

/**
 * A new key.
 * @throws RangeError for a publishable test key, which does not exist.
 */
export function makeKey({ kind, mode }: KeyForm): string {
  const prefix = Object.keys(PREFIXES).find((one) => PREFIXES[one].kind === kind && PREFIXES[one].mode === mode);
  if (prefix === undefined) throw new RangeError(`there is no ${kind} ${mode} key`);
  return keyOf(prefix, crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
}

/** The key of these random bytes. */
export function keyOf(prefix: string, random: Uint8Array): string {
  const number = random.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const body = prefix + base62(number, RANDOM_CHARACTERS);
  return body + checksumOf(body);
}

function checksumOf(body: string): string {
  return base62(BigInt(crc32(body)), CHECKSUM_CHARACTERS);
}

/** Most significant digit first, with zeros in front. */
function base62(value: bigint, width: number): string {
  let digits = '';
  for (let rest = value; digits.length < width; rest /= 62n) digits = BASE62[Number(rest % 62n)] + digits;
  return digits;
}

/** CRC-32 of ASCII text (ISO-HDLC, the one of zip and PNG): one wrong character, or two neighbours swapped, always change it. */
function crc32(text: string): number {
  let crc = ~0;
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

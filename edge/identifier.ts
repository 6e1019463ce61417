/** Random identifiers and seeds. */

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';
const LENGTH = 24;

/** A random identifier, 24 characters of [0-9a-z] behind a prefix: 'gen_4k0...'. About 124 bits. */
export function randomIdentifier(prefix: 'req' | 'gen'): string {
  let id = `${prefix}_`;
  // Bytes from 252 on are drawn again, so that all 36 characters are equally likely.
  while (id.length < prefix.length + 1 + LENGTH) {
    for (const byte of crypto.getRandomValues(new Uint8Array(LENGTH))) {
      if (byte < 252 && id.length < prefix.length + 1 + LENGTH) id += ALPHABET[byte % 36];
    }
  }
  return id;
}

/** A random seed from 0 to 2^32 - 1: short enough to copy by hand from an answer. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}

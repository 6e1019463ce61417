/** Random identifiers and seeds. */

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';
const LENGTH = 24;

const REQUEST = 'req_';

/** Of a request: 24 random characters of [0-9a-z], 'req_4k0...'. About 124 bits. */
export function requestIdentifier(): string {
  let id = REQUEST;
  // Bytes from 252 on are drawn again, so that all 36 characters are equally likely.
  while (id.length < REQUEST.length + LENGTH) {
    for (const byte of crypto.getRandomValues(new Uint8Array(LENGTH))) {
      if (byte < 252 && id.length < REQUEST.length + LENGTH) id += ALPHABET[byte % 36];
    }
  }
  return id;
}

/** Of the job a request becomes: the same characters, so that a search for them finds the lines of edge and service. */
export function jobIdentifier(request: string): string {
  return `gen_${request.slice(REQUEST.length)}`;
}

/** A random seed from 0 to 2^32 - 1: short enough to copy by hand from an answer. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}

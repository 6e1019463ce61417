/** Random identifiers and seeds. */

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';
const LENGTH = 24;

const REQUEST = 'req_';

/** Of a request: 'req_4k0...'. */
export function requestIdentifier(): string {
  return identifier(REQUEST);
}

/** Of an account: 'acc_4k0...'. */
export function accountIdentifier(): string {
  return identifier('acc_');
}

/** Of a key, which is no secret: 'key_4k0...'. */
export function keyIdentifier(): string {
  return identifier('key_');
}

/** Of a client session, which is no secret: 'session_4k0...'. */
export function sessionIdentifier(): string {
  return identifier('session_');
}

/** Of a preset: 'preset_4k0...'. */
export function presetIdentifier(): string {
  return identifier('preset_');
}

/** A prefix and 24 random characters of [0-9a-z]: about 124 bits. */
function identifier(prefix: string): string {
  let id = prefix;
  // Bytes from 252 on are drawn again, so that all 36 characters are equally likely.
  while (id.length < prefix.length + LENGTH) {
    for (const byte of crypto.getRandomValues(new Uint8Array(LENGTH))) {
      if (byte < 252 && id.length < prefix.length + LENGTH) id += ALPHABET[byte % 36];
    }
  }
  return id;
}

/** Of the job a request becomes: the same characters, so that a search for them finds the lines of edge and service. */
export function jobIdentifier(request: string): string {
  return `gen_${request.slice(REQUEST.length)}`;
}

/** Of the request that became this job. */
export function requestOfJob(job: string): string {
  return `${REQUEST}${job.slice(REQUEST.length)}`;
}

/** A random seed from 0 to 2^32 - 1: short enough to copy by hand from an answer. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}

/** SHA-256 of text, by WebCrypto: the same in Node, a Worker and a browser. */
import { toHex } from './signature.ts';

/** 32 bytes. */
export async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

/** 64 characters of lower-case hexadecimal. */
export async function sha256Hex(text: string): Promise<string> {
  return toHex(await sha256(text));
}

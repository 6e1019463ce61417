/**
 * What a preset keeps secret, as it lies in D1: AES-256-GCM under a key made from SESSION_SECRET (HKDF, RFC 5869), bound to the id of the
 * preset, so that it opens nowhere else. A deployment that changes SESSION_SECRET has to set these secrets again.
 */
import type { Env } from '../env.ts';
import { sessionSecret } from '../sessions/secret.ts';

const NONCE_BYTES = 12;
const encoder = new TextEncoder();

/** @param preset its id */
export async function seal(env: Env, preset: string, secret: string): Promise<string> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await crypto.subtle.encrypt(algorithm(preset, nonce), await keyOf(env), encoder.encode(secret));
  return btoa(String.fromCharCode(...nonce, ...new Uint8Array(sealed)));
}

/** The secret that was sealed for this preset. @throws where it was sealed for another one, or under another SESSION_SECRET */
export async function unseal(env: Env, preset: string, sealed: string): Promise<string> {
  const bytes = Uint8Array.from(atob(sealed), (character) => character.charCodeAt(0));
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const opened = await crypto.subtle.decrypt(algorithm(preset, nonce), await keyOf(env), bytes.subarray(NONCE_BYTES));
  return new TextDecoder().decode(opened);
}

function algorithm(preset: string, iv: Uint8Array<ArrayBuffer>): AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData: encoder.encode(preset) };
}

async function keyOf(env: Env): Promise<CryptoKey> {
  const secret = await crypto.subtle.importKey('raw', encoder.encode(sessionSecret(env)), 'HKDF', false, ['deriveKey']);
  const info = encoder.encode('maskwright secrets of presets');
  const derivation = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info };
  return crypto.subtle.deriveKey(derivation, secret, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

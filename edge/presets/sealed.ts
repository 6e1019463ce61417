/**
 * What a preset keeps secret, as it lies in D1: AES-256-GCM under a key made from SESSION_SECRET (HKDF, RFC 5869), bound to the id of the
 * preset, so that it opens nowhere else. A deployment that changes SESSION_SECRET has to set these secrets again.
 */
import { problem } from '../../shared/contract/problem.ts';
import { fromHex, toHex } from '../../shared/contract/signature.ts';
import type { Env } from '../env.ts';
import { sessionSecret } from '../sessions/secret.ts';

const NONCE_BYTES = 12;
const encoder = new TextEncoder();

/** @param preset its id */
export async function seal(env: Env, preset: string, secret: string): Promise<string> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await crypto.subtle.encrypt(algorithm(preset, nonce), await keyOf(env), encoder.encode(secret));
  return toHex(nonce) + toHex(new Uint8Array(sealed));
}

/** The secret that was sealed for this preset. @throws ProblemError `conflict` where that was for another one, or under another SESSION_SECRET */
export async function unseal(env: Env, preset: string, sealed: string): Promise<string> {
  const bytes = fromHex(sealed) ?? new Uint8Array(0);
  const [nonce, rest] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(NONCE_BYTES)];
  const key = await keyOf(env);
  const opened = await crypto.subtle.decrypt(algorithm(preset, nonce), key, rest).catch(() => {
    throw problem('conflict', 'What the preset keeps secret was sealed under another SESSION_SECRET; put it again.');
  });
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

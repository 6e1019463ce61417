/**
 * Which tokens may stand in a text, and what tokens say: the part of a vocabulary that constraints and events share.
 */
import type { TokenText } from '../../shared/contract/stream.ts';
import type { Tokenizer } from '../model/tokenizer.ts';

/** What the loop's own constraints need of a model. */
export interface TextTokens {
  readonly eos: number;
  /** One for each token that may stand in a text: every one but the special tokens (EOS is special). */
  readonly allowed: Uint8Array;
  /** A token's bytes; empty for special tokens. */
  bytes(token: number): Uint8Array;
}

/** Reads the text tokens off a tokenizer. */
export function textTokens(tokenizer: Tokenizer, eos: number): TextTokens {
  const allowed = new Uint8Array(tokenizer.size);
  for (let token = 0; token < allowed.length; token++) {
    if (token !== eos && !tokenizer.isSpecial(token) && tokenizer.tokenBytes(token).length > 0) allowed[token] = 1;
  }
  return { eos, allowed, bytes: (token) => tokenizer.tokenBytes(token) };
}

/** Text of tokens that stand one behind the other; U+FFFD where their bytes are not UTF-8. A byte order mark is kept. */
export function decodeTokens(tokens: Int32Array, bytes: (token: number) => Uint8Array): string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let text = '';
  for (const token of tokens) text += decoder.decode(bytes(token), { stream: true });
  return text + decoder.decode();
}

const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/** A token at a position as an event shows it: its text, and its bytes where the text cannot say them. */
export function tokenText(position: number, bytes: Uint8Array): TokenText {
  try {
    return { position, text: strict.decode(bytes) };
  } catch {
    return { position, text: lenient.decode(bytes), bytes: Buffer.from(bytes).toString('hex') };
  }
}

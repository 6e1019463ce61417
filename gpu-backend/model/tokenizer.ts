/**
 * Text to token ids and token ids to bytes, by the tokenizer.json of a model folder (byte-level BPE).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as Encoder } from '@huggingface/tokenizers';
import * as v from 'valibot';

export interface Tokenizer {
  /** Token ids of a text. Special tokens are never recognised: a literal `<|mask|>` becomes ordinary bytes. */
  encode(text: string): Int32Array;
  /** The bytes a token stands for; none for a special token or an id the vocabulary does not use. */
  tokenBytes(id: number): Uint8Array;
  /** One more than the largest id. */
  readonly size: number;
  /** Whether the id is a special token, or no token at all: nothing a text may hold. */
  isSpecial(id: number): boolean;
}

const id = v.pipe(v.number(), v.integer(), v.minValue(0));

const tokenizerSchema = v.looseObject({
  added_tokens: v.array(v.looseObject({ id, content: v.string(), special: v.boolean() })),
  decoder: v.looseObject({ type: v.literal('ByteLevel') }),
  model: v.looseObject({ type: v.literal('BPE'), vocab: v.record(v.string(), id) }),
});

/** GPT-2's table (Radford et al. 2019, encoder.py): the printable character that writes each byte in a vocabulary. */
function characterBytes(): Map<string, number> {
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  const table = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) table.set(String.fromCharCode(printable(byte) ? byte : next++), byte);
  return table;
}

function bytesOf(content: string, table: ReadonlyMap<string, number>): Uint8Array {
  return Uint8Array.from(content, (character) => {
    const byte = table.get(character);
    if (byte === undefined) throw new Error(`tokenizer.json: token ${JSON.stringify(content)} is not byte-level`);
    return byte;
  });
}

/**
 * Makes a tokenizer of a parsed tokenizer.json.
 * @throws Error where it is not a byte-level BPE whose vocabulary holds each of the 256 bytes.
 */
export function makeTokenizer(json: unknown): Tokenizer {
  const result = v.safeParse(tokenizerSchema, json);
  if (!result.success) {
    const reasons = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
    throw new Error(`tokenizer.json: ${reasons.join('; ')}. Supported: byte-level BPE.`);
  }
  const { added_tokens: added, model } = result.output;
  const addedIds = new Set(added.map((token) => token.id));
  const size = Math.max(-1, ...addedIds, ...Object.values(model.vocab)) + 1;

  const none = new Uint8Array(0);
  const bytes: Uint8Array[] = new Array(size).fill(none);
  const special = new Uint8Array(size).fill(1);
  const table = characterBytes();
  for (const [content, token] of Object.entries(model.vocab)) {
    if (addedIds.has(token)) continue;
    bytes[token] = bytesOf(content, table);
    special[token] = 0;
  }
  for (const token of added) {
    if (token.special) continue;
    bytes[token.id] = new TextEncoder().encode(token.content);
    special[token.id] = 0;
  }
  const single = new Set(bytes.filter((token) => token.length === 1).map((token) => token[0]));
  if (single.size < 256) throw new Error(`tokenizer.json: ${256 - single.size} of the 256 bytes have no token`);

  // Without added tokens the library has nothing to recognise inside a text.
  const encoder = new Encoder({ normalizer: null, post_processor: null, ...result.output, added_tokens: [] }, {});
  return {
    size,
    encode: (text) => Int32Array.from(text === '' ? [] : encoder.encode(text, { add_special_tokens: false }).ids),
    tokenBytes: (token) => bytes[token] ?? none,
    isSpecial: (token) => special[token] !== 0,
  };
}

/** Reads `folder/tokenizer.json`. */
export async function readTokenizer(folder: string): Promise<Tokenizer> {
  return makeTokenizer(JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8')));
}

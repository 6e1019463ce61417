/**
 * Text to token ids and token ids to bytes, by the tokenizer.json of a model folder: byte-level BPE, in the layouts of GPT-2, LLaDA,
 * Qwen2 and ModernBERT.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as Encoder } from '@huggingface/tokenizers';
import * as v from 'valibot';
import { type ChatMessage, chatEncoder } from './chat.ts';
import { readTokenizerConfig, type TokenizerConfig } from './tokenizer-config.ts';

export interface Tokenizer {
  /** Token ids of a text. Special tokens are never recognised: a literal `<|mask|>` becomes ordinary bytes. */
  encode(text: string): Int32Array;
  /** The bytes a token stands for; none for a special token or an id the vocabulary does not use. */
  tokenBytes(id: number): Uint8Array;
  /** One more than the largest id. */
  readonly size: number;
  /** Whether the id is a special token, or no token at all: nothing a text may hold. */
  isSpecial(id: number): boolean;
  /** Token ids of a conversation and of the opening of its answer, where the folder has a chat template. */
  chat?(messages: readonly ChatMessage[]): Int32Array;
}

const id = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Steps before the merges. Those that would add or change bytes are refused: a text must come back byte for byte. */
const byteLevel = v.looseObject({
  type: v.literal('ByteLevel'),
  add_prefix_space: v.optional(v.literal(false, 'adds a space before the text; only false is supported')),
});
const split = v.looseObject({ type: v.picklist(['Split', 'Digits']) });
const preTokenizer = v.union([
  byteLevel,
  v.looseObject({ type: v.literal('Sequence'), pretokenizers: v.array(v.union([byteLevel, split])) }),
]);

const tokenizerSchema = v.looseObject({
  added_tokens: v.array(v.looseObject({ id, content: v.string(), special: v.boolean() })),
  // Unicode's normal form C is asked for by Qwen's: it is not applied, for it may change a text's bytes, and those that are
  // written today are in that form already.
  normalizer: v.optional(v.nullable(v.looseObject({ type: v.literal('NFC') }))),
  pre_tokenizer: preTokenizer,
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
 * @param config what tokenizer_config.json adds: the chat template and the names of special tokens
 * @throws Error where it is not a byte-level BPE whose vocabulary holds each of the 256 bytes
 */
export function makeTokenizer(json: unknown, config: TokenizerConfig = {}): Tokenizer {
  const result = v.safeParse(tokenizerSchema, json);
  if (!result.success) {
    const reasons = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
    throw new Error(`tokenizer.json: ${reasons.join('; ')}. Supported: byte-level BPE.`);
  }
  const { added_tokens: added, model } = result.output;
  const addedIds = new Set(added.map((token) => token.id));
  const size = Object.values(model.vocab).reduce((a, b) => Math.max(a, b), Math.max(-1, ...addedIds)) + 1;

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

  // Of the added tokens the library may recognise runs of spaces (ModernBERT's) and nothing that could have a meaning.
  const spaces = added.filter(({ content, special }) => !special && /^\s+$/.test(content));
  const encoder = new Encoder({ ...result.output, normalizer: null, post_processor: null, added_tokens: spaces }, {});
  const encode = (text: string) =>
    Int32Array.from(text === '' ? [] : encoder.encode(text, { add_special_tokens: false }).ids);
  const meaningful = added.filter((token) => !spaces.includes(token));
  return {
    size,
    encode,
    tokenBytes: (token) => bytes[token] ?? none,
    isSpecial: (token) => special[token] !== 0,
    ...(config.chatTemplate === undefined
      ? {}
      : {
          chat: chatEncoder({
            template: config.chatTemplate,
            variables: config.named ?? {},
            added: new Map(meaningful.map((token) => [token.content, token.id])),
            encode,
          }),
        }),
  };
}

/** Reads `folder/tokenizer.json`, and the chat template that may lie beside it. */
export async function readTokenizer(folder: string): Promise<Tokenizer> {
  const [json, config] = await Promise.all([
    readFile(join(folder, 'tokenizer.json'), 'utf8'),
    readTokenizerConfig(folder),
  ]);
  return makeTokenizer(JSON.parse(json), config);
}

/**
 * tokenizer.json for repositories that have only its parts (Dream's): vocab.json, merges.txt and the added tokens of tokenizer_config.json,
 * put together as Qwen2's tokenizer is (transformers, Qwen2Tokenizer).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { InstallError } from './failure.ts';

/** Qwen2's pattern of the pieces that are merged within (transformers, tokenization_qwen2.py). */
const PIECES =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const id = v.pipe(v.number(), v.integer(), v.minValue(0));
const vocabSchema = v.record(v.string(), id);
const configSchema = v.looseObject({
  added_tokens_decoder: v.optional(
    v.record(
      v.pipe(v.string(), v.regex(/^\d+$/)),
      v.looseObject({ content: v.string(), special: v.optional(v.boolean(), false) }),
    ),
    {},
  ),
});

/** Files it is made of. */
export const TOKENIZER_PARTS = ['vocab.json', 'merges.txt', 'tokenizer_config.json'];

/**
 * Makes the content of tokenizer.json from the parts in `folder`.
 * @throws InstallError where a part is missing or of another form
 */
export async function tokenizerFromParts(folder: string): Promise<string> {
  const texts: string[] = [];
  // One after the other, so that the refusal names the first that is missing, whichever the disk answers first.
  for (const file of TOKENIZER_PARTS) {
    const text = await readFile(join(folder, file), 'utf8').catch(() => {
      throw new InstallError(`There is no tokenizer.json, and no ${file} to make it of.`);
    });
    texts.push(text);
  }
  const [vocab, merges, config] = texts;
  const { added_tokens_decoder: added } = v.parse(configSchema, JSON.parse(config));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  return JSON.stringify({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: Object.entries(added).map(([number, { content, special }]) => ({
      ...{ id: Number(number), content, special },
      ...{ single_word: false, lstrip: false, rstrip: false, normalized: false },
    })),
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [{ type: 'Split', pattern: { Regex: PIECES }, behavior: 'Isolated', invert: false }, byteLevel],
    },
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      ...{ dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false },
      byte_fallback: false,
      vocab: v.parse(vocabSchema, JSON.parse(vocab)),
      merges: merges.split(/\r?\n/).filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version'))),
    },
  });
}

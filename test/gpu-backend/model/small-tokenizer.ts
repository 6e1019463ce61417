/**
 * A byte-level BPE tokenizer.json learnt from a few sentences, and the plain, slow encoder it is compared with.
 */

/** GPT-2's pre-tokeniser. */
const PIECES = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

export const SPECIALS = [
  '<|mask|>',
  '<|eos|>',
  '<|prompt|>',
  '<|facts|>',
  '<|text|>',
  '<|style:none|>',
  '<|style:sms|>',
];

/** The character that writes a byte. */
const CHARACTERS: readonly string[] = (() => {
  const printable = [...range(33, 126), ...range(161, 172), ...range(174, 255)];
  let next = 256;
  return range(0, 255).map((byte) => String.fromCodePoint(printable.includes(byte) ? byte : next++));
})();

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function pieces(text: string): string[][] {
  const found = text.match(PIECES) ?? [];
  return found.map((piece) => Array.from(new TextEncoder().encode(piece), (byte) => CHARACTERS[byte]));
}

function merge(word: readonly string[], left: string, right: string): string[] {
  const merged: string[] = [];
  for (const part of word) {
    if (merged.at(-1) === left && part === right) merged[merged.length - 1] = left + right;
    else merged.push(part);
  }
  return merged;
}

export interface SmallTokenizer {
  readonly json: Record<string, unknown>;
  /** Tokens, specials among them. */
  readonly size: number;
  /** Merges the best pair of each piece until none is left. */
  encode(text: string): number[];
}

/** Learns `count` merges from `texts` (Sennrich et al. 2016); the special tokens come first. */
export function learnTokenizer(texts: readonly string[], count: number): SmallTokenizer {
  let words = texts.flatMap(pieces);
  const merges: [string, string][] = [];
  while (merges.length < count) {
    const counts = new Map<string, number>();
    for (const word of words) {
      for (let i = 1; i < word.length; i++) {
        const pair = `${word[i - 1]} ${word[i]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    const [best] = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    if (best === undefined) break;
    const [left, right] = best[0].split(' ');
    merges.push([left, right]);
    words = words.map((word) => merge(word, left, right));
  }
  const vocabulary = [...SPECIALS, ...CHARACTERS, ...merges.map((pair) => pair.join(''))];
  const vocab = Object.fromEntries([...new Set(vocabulary)].map((token, id) => [token, id]));
  const added = SPECIALS.map((content, id) => ({ id, content, special: true, normalized: false, lstrip: false }));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    size: Object.keys(vocab).length,
    json: {
      version: '1.0',
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: byteLevel,
      post_processor: null,
      decoder: byteLevel,
      model: { type: 'BPE', vocab, merges },
    },
    encode: (text) =>
      pieces(text).flatMap((piece) => {
        let word = piece;
        for (const [left, right] of merges) word = merge(word, left, right);
        return word.map((token) => vocab[token]);
      }),
  };
}

/** Text to ids and back: exact bytes, and specials never read out of a text. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeTokenizer } from '../../../gpu-backend/model/tokenizer.ts';
import { learnTokenizer, SPECIALS } from './small-tokenizer.ts';

const small = learnTokenizer(
  [
    'the cat sat on the mat, and the other cat sat there too',
    "it's what they'd say: 100 naïve cafés, — 😀😀",
    '<|mask|>',
  ],
  60,
);
const tokenizer = makeTokenizer(small.json);

function bytesOf(ids: Int32Array): Uint8Array {
  return Uint8Array.from([...ids].flatMap((id) => [...tokenizer.tokenBytes(id)]));
}

/** Text that meets merges, spaces, specials and the whole of Unicode. */
const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'the ',
        ' cat',
        "they'd",
        '  ',
        '\n',
        '\t',
        '\u0085',
        '\ufeff',
        '<|mask|>',
        '<|eos|>',
        '<|',
        '😀',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
      fc.string({ maxLength: 6 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join('').toWellFormed());

describe('encode', () => {
  it('keeps every byte of any text', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(bytesOf(tokenizer.encode(text))).toEqual(new TextEncoder().encode(text));
      }),
      { numRuns: 500 },
    );
  });

  it('never yields a special token, whatever the text spells', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect([...tokenizer.encode(text)].filter((id) => tokenizer.isSpecial(id))).toEqual([]);
      }),
      { numRuns: 500 },
    );
    for (const special of SPECIALS) expect(tokenizer.encode(special).length).toBeGreaterThan(1);
  });

  it('merges as byte-pair encoding is defined: the best-ranked pair first, leftmost first', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('the', 'cat', ' ', 's', 'a', 't', 'h', 'é', "'d", '1'), { maxLength: 20 }),
        (parts) => {
          const text = parts.join('');
          expect([...tokenizer.encode(text)]).toEqual(small.encode(text));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('reads a lone surrogate as U+FFFD', () => {
    expect(bytesOf(tokenizer.encode('a\ud800b'))).toEqual(new TextEncoder().encode('a\ufffdb'));
  });
});

describe('tokens', () => {
  it('number as many as the vocabulary, specials first and without bytes', () => {
    expect(tokenizer.size).toBe(small.size);
    expect(small.size).toBeGreaterThan(SPECIALS.length + 256 + 40);
    for (const [id] of SPECIALS.entries()) {
      expect(tokenizer.isSpecial(id)).toBe(true);
      expect(tokenizer.tokenBytes(id)).toEqual(new Uint8Array(0));
    }
  });

  it('include each of the 256 bytes', () => {
    const single = new Set<number>();
    for (let id = 0; id < tokenizer.size; id++) {
      const bytes = tokenizer.tokenBytes(id);
      if (bytes.length === 1) single.add(bytes[0]);
    }
    expect(single.size).toBe(256);
  });

  it.each([-1, tokenizer.size, 1e6])('outside the vocabulary are special and empty: %i', (id) => {
    expect(tokenizer.isSpecial(id)).toBe(true);
    expect(tokenizer.tokenBytes(id).length).toBe(0);
  });
});

describe('a tokenizer.json', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['of another decoder', { decoder: { type: 'Metaspace' } }, /decoder\.type.*Supported: byte-level BPE/],
    ['of another model', { model: { type: 'Unigram', vocab: [] } }, /model\.type/],
    ['without added tokens', { added_tokens: undefined }, /added_tokens/],
    [
      'that lacks bytes',
      { model: { type: 'BPE', vocab: { a: 0 }, merges: [] }, added_tokens: [] },
      /255 of the 256 bytes/,
    ],
    ['that is not byte-level', { model: { type: 'BPE', vocab: { '▁a': 0 }, merges: [] }, added_tokens: [] }, /"▁a"/],
  ])('%s is refused', (_, change, message) => {
    expect(() => makeTokenizer({ ...small.json, ...change })).toThrow(message);
  });
});

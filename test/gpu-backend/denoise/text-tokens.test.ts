import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeTokens, textTokens, tokenText } from '../../../gpu-backend/denoise/text-tokens.ts';
import { tokenBytes } from '../../../shared/contract/frames.ts';
import { EOS, MASK, tokenizer } from '../tiny-model.ts';

describe('tokenText', () => {
  it('gives bytes only where the text cannot say them', () => {
    expect(tokenText(3, new TextEncoder().encode('né'))).toEqual({ position: 3, text: 'né' });
    expect(tokenText(0, Uint8Array.of(0xc3))).toEqual({ position: 0, text: '\uFFFD', bytes: 'c3' });
    expect(tokenText(0, Uint8Array.of(0x61, 0xe2, 0x82))).toEqual({ position: 0, text: 'a\uFFFD', bytes: '61e282' });
    expect(tokenText(9, new Uint8Array(0))).toEqual({ position: 9, text: '' });
  });

  it('keeps every byte for whoever rebuilds frames, a byte order mark and U+FFFD among them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
        expect([...tokenBytes(tokenText(0, bytes))]).toEqual([...bytes]);
      }),
    );
    for (const text of ['\uFEFFa', '\uFFFD']) {
      const bytes = new TextEncoder().encode(text);
      expect(tokenText(0, bytes)).toEqual({ position: 0, text });
    }
  });
});

describe('textTokens', () => {
  it('allows every token but the special ones', () => {
    const { allowed } = textTokens(tokenizer, EOS);
    expect([allowed[MASK], allowed[EOS], allowed[7], allowed[8]]).toEqual([0, 0, 0, 1]);
    expect(allowed.reduce((a, b) => a + b)).toBe(tokenizer.size - 8);
  });

  it('decodes characters that several tokens share', () => {
    const text = 'naïve 🦊';
    expect(decodeTokens(tokenizer.encode(text), tokenizer.tokenBytes)).toBe(text);
  });
});

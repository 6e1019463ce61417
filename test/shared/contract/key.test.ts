/** The form of keys. The vectors come from an independent implementation (Python: zlib.crc32, its own base62). */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEY_PATTERN, keyOf, makeKey, parseKey } from '../../../shared/contract/key.ts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const VECTORS = [
  ['sk_live_', new Uint8Array(32), 'sk_live_00000000000000000000000000000000000000000001Vxh1Z'],
  ['sk_test_', new Uint8Array(32).fill(255), 'sk_test_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp146ZkIP'],
  [
    'pk_live_',
    Uint8Array.from({ length: 32 }, (_, i) => i),
    'pk_live_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf4axXbF',
  ],
] as const;

const forms = [
  { kind: 'secret', mode: 'live' },
  { kind: 'secret', mode: 'test' },
  { kind: 'publishable', mode: 'live' },
] as const;

describe('a key', () => {
  it.each(VECTORS)('of %s and known bytes is known', (prefix, random, key) => {
    expect(keyOf(prefix, random)).toBe(key);
    expect(parseKey(key).type).toBe('key');
  });

  it.each(forms)('that is made as %j is read as that, and no two are equal', (form) => {
    const keys = Array.from({ length: 200 }, () => makeKey(form));
    for (const key of keys) expect(parseKey(key)).toEqual({ type: 'key', ...form });
    expect(new Set(keys).size).toBe(200);
    expect(new Set(keys.map((key) => key.length))).toEqual(new Set([57]));
  });

  it('that is publishable is never one of the test mode', () => {
    expect(() => makeKey({ kind: 'publishable', mode: 'test' })).toThrow(RangeError);
  });

  it('with one wrong character is mistyped, wherever it is', () => {
    const key = makeKey(forms[0]);
    for (let at = 'sk_live_'.length; at < key.length; at++) {
      for (const other of BASE62) {
        if (other === key[at]) continue;
        expect(parseKey(key.slice(0, at) + other + key.slice(at + 1))).toEqual({ type: 'mistyped' });
      }
    }
  });

  it('with two neighbours swapped, or the prefix of another kind, is mistyped', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.integer({ min: 8, max: 55 }), (random, at) => {
        const key = keyOf('sk_live_', random);
        expect(parseKey(key.replace('live', 'test')).type).toBe('mistyped');
        if (key[at] === key[at + 1]) return;
        expect(parseKey(key.slice(0, at) + key[at + 1] + key[at] + key.slice(at + 2)).type).toBe('mistyped');
      }),
    );
  });

  it('is nothing that begins or ends otherwise', () => {
    const key = makeKey(forms[0]);
    for (const text of [
      '',
      ' ',
      key.slice(1),
      key.slice(0, -1),
      `${key}0`,
      `${key}\n`,
      `\n${key}`,
      key.toUpperCase(),
      'sk_live_',
    ]) {
      expect(parseKey(text)).toEqual({ type: 'other' });
    }
  });

  it('is not guessed: of 100,000 strings of its form none has the right checksum', () => {
    const characters = randomBytes(49 * 100_000);
    let passed = 0;
    for (let i = 0; i < 100_000; i++) {
      let text = 'sk_live_';
      for (let j = 0; j < 49; j++) text += BASE62[characters[49 * i + j] % 62];
      expect(KEY_PATTERN.test(text)).toBe(true);
      if (parseKey(text).type === 'key') passed++;
    }
    // One in 2^32 (some of the 62^6 checksums none has): in 100,000 tries, once in 40,000 runs.
    expect(passed).toBe(0);
  });
});

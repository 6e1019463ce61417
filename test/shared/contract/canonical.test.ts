import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cacheKey, canonicalJson } from '../../../shared/contract/canonical.ts';

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, shuffled(member)]),
  );
}

describe('canonical JSON', () => {
  it('sorts keys by UTF-16 code units, as the example of RFC 8785 section 3.2.3', () => {
    const keys = { '€': 1, '\r': 2, '\ufb33': 3, '1': 4, '😀': 5, '\u0080': 6, ö: 7 };
    expect(canonicalJson(keys)).toBe('{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}');
  });

  it('spells numbers as RFC 8785 does', () => {
    expect(canonicalJson([Number('333333333.33333329'), 1e30, 4.5, 2e-3, 1e-27, -0])).toBe(
      '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]',
    );
  });

  it('does not depend on the order of keys, and parses back to the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('refuses what JSON cannot say', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1n, () => 0]) {
      expect(() => canonicalJson(value)).toThrow(TypeError);
    }
  });
});

describe('cache key', () => {
  const parts = {
    request: { model: 'm', seed: 1, prompt: 'p', diffusion: { steps: 8 } },
    revision: 'r1',
    account: 'a',
  };

  it('is the same however the request is spelled, streamed or cached', async () => {
    const key = await cacheKey(parts);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    const respelled = { diffusion: { steps: 8 }, prompt: 'p', seed: 1, model: 'm', regex: undefined };
    expect(await cacheKey({ ...parts, request: respelled })).toBe(key);
    expect(await cacheKey({ ...parts, request: { ...parts.request, stream: 'steps', cache: 'refresh' } })).toBe(key);
  });

  it('differs by request, seed, revision and account', async () => {
    const keys = await Promise.all([
      cacheKey(parts),
      cacheKey({ ...parts, request: { ...parts.request, seed: 2 } }),
      cacheKey({ ...parts, request: { ...parts.request, prompt: 'q' } }),
      cacheKey({ ...parts, revision: 'r2' }),
      cacheKey({ ...parts, account: 'b' }),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

import { parseList } from 'structured-headers';
import { describe, expect, it } from 'vitest';
import { metered } from './metered.ts';

/** A header of one item with parameters, as RFC 9651 reads it. */
function read(response: Response, name: string): [unknown, Record<string, unknown>] {
  const [[value, parameters]] = parseList(response.headers.get(name) ?? '');
  return [value, Object.fromEntries(parameters)];
}

describe('the rate limit of a key', () => {
  it('is told by every answer, and what is beyond it is refused with the time to wait', async () => {
    const { ask, generations, charges, ledger, account } = await metered();
    for (const { id } of account.keys) await ledger.putKey({ id, revoked: false, perMinute: 3 });
    for (const left of [2, 1, 0]) {
      const response = await ask({ prompt: 'p', stream: left === 1 ? 'text' : false });
      await response.text();
      expect(response.status).toBe(200);
      expect(read(response, 'ratelimit-policy')).toEqual(['key', { q: 3, w: 60 }]);
      const [name, { r, t }] = read(response, 'ratelimit');
      expect([name, r]).toEqual(['key', left]);
      expect(t).toBeGreaterThan((2 - left) * 20);
      expect(t).toBeLessThanOrEqual((3 - left) * 20);
    }
    const refused = await ask({ prompt: 'p' });
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ code: 'rate_limited' });
    expect(read(refused, 'ratelimit')[1]).toMatchObject({ r: 0 });
    const wait = Number(refused.headers.get('retry-after'));
    expect(wait).toBeGreaterThan(15);
    expect(wait).toBeLessThanOrEqual(20);
    expect(generations()).toBe(3);
    expect(await charges()).toHaveLength(3);
  });
});

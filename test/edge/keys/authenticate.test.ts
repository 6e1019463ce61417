/** Who may pass: what the edge remembers of keys, for how long, and where they may be used. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isOriginPattern, originMatches } from '../../../edge/keys/origins.ts';
import { ledgerOf } from '../../../edge/ledger/ledger-of.ts';
import { sha256Hex } from '../../../shared/contract/digest.ts';
import { makeKey } from '../../../shared/contract/key.ts';
import { asks } from '../ledger/account.ts';
import { ADMIN_SECRET, edge } from '../upstream.ts';

type Edge = Awaited<ReturnType<typeof edge>>;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** From now on the clock stands, and goes on as told. */
function clock(): (ms: number) => void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  return (ms) => vi.setSystemTime(Date.now() + ms);
}

const models = ({ send }: Edge, key: string, headers: Record<string, string> = {}) =>
  send('/v1/models', { headers: { authorization: `Bearer ${key}`, ...headers } });

const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

/** Every statement that D1 is asked to prepare. */
function statements({ env }: Edge) {
  return vi.spyOn(env.DB, 'prepare');
}

describe('a key', () => {
  it('that is mistyped is refused without being looked up, and says why', async () => {
    const running = await edge();
    const [kv, d1] = [vi.spyOn(running.env.KV, 'get'), statements(running)];
    const wrong = running.key.slice(0, -1) + (running.key.endsWith('0') ? '1' : '0');
    const response = await models(running, wrong);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="maskwright"');
    expect(await response.text()).toMatch(/invalid_key.*|checksum/);
    expect([kv.mock.calls, d1.mock.calls]).toEqual([[], []]);
  });

  it('of nobody is looked up once in a while, however often it is tried', async () => {
    const running = await edge();
    const nobody = makeKey({ kind: 'secret', mode: 'live' });
    const d1 = statements(running);
    for (let i = 0; i < 5; i++) expect((await models(running, nobody)).status).toBe(401);
    expect(d1).toHaveBeenCalledTimes(1);
  });

  it('is read from D1 once and then from memory and KV, for less than a minute', async () => {
    const running = await edge();
    const go = clock();
    const [kv, d1] = [vi.spyOn(running.env.KV, 'get'), statements(running)];
    const ask = async () => {
      expect((await models(running, running.key)).status).toBe(200);
      await running.settled();
      return [kv.mock.calls.length, d1.mock.calls.length];
    };
    expect(await ask()).toEqual([1, 1]);
    expect(await ask()).toEqual([1, 1]);
    go(11_000);
    expect(await ask()).toEqual([2, 1]);
    go(33_000);
    expect(await ask()).toEqual([3, 1]);
    go(10_500);
    expect(await ask()).toEqual([4, 2]);
  });

  it('that was revoked elsewhere is refused within a minute, and spends nothing meanwhile', async () => {
    const running = await edge();
    const { env, account } = running;
    const { id, key } = account.keys.find(({ mode }) => mode === 'live')!;
    const go = clock();
    expect((await models(running, key)).status).toBe(200);
    await running.settled();
    go(44_000);
    // As another isolate does it, whose KV this one does not see yet.
    await ledgerOf(env, account.id, 'live').putKey({ id, revoked: true, perMinute: 600 });
    await env.DB.prepare('UPDATE keys SET revoked = ? WHERE id = ?').bind(Date.now(), id).run();
    expect((await models(running, key)).status).toBe(200);
    expect(await ledgerOf(env, account.id, 'live').begin(asks({ key: id }))).toMatchObject({
      type: 'refused',
      problem: { code: 'key_revoked' },
    });
    go(10_500);
    expect(await codeOf(await models(running, key))).toBe('key_revoked');
  });

  it('that was revoked elsewhere makes no successor of itself, not even in that minute', async () => {
    const running = await edge();
    const { env, account } = running;
    const { id, key } = account.keys.find(({ mode }) => mode === 'live')!;
    expect((await models(running, key)).status).toBe(200);
    await env.DB.prepare('UPDATE keys SET revoked = ? WHERE id = ?').bind(Date.now(), id).run();
    expect((await models(running, key)).status).toBe(200);
    expect(await codeOf(await running.sendJson('/v1/keys', key, { name: 'n' }))).toBe('key_revoked');
    expect(await codeOf(await running.sendJson(`/v1/keys/${id}/rotate`, key, {}))).toBe('key_revoked');
  });

  it('expires to the millisecond, whatever is remembered of it', async () => {
    const running = await edge();
    const go = clock();
    const expires_at = new Date(Date.now() + 5_000).toISOString();
    const response = await running.sendJson('/v1/keys', running.key, { name: 'n', expires_at });
    const { id, key } = (await response.json()) as { id: string; key: string };
    go(4_999);
    expect((await models(running, key)).status).toBe(200);
    go(1);
    const expired = await models(running, key);
    expect([expired.status, await codeOf(expired)]).toEqual([401, 'key_expired']);
    const begun = await ledgerOf(running.env, running.account.id, 'live').begin(asks({ key: id }));
    expect(begun).toMatchObject({ type: 'refused', problem: { code: 'key_expired' } });
  });

  it('of a closed account is refused, and works again with it', async () => {
    const running = await edge();
    const { env, account } = running;
    const { id, key } = account.keys.find(({ mode }) => mode === 'live')!;
    const close = (closed: boolean) =>
      running.sendJson(`/v1/admin/accounts/${account.id}`, ADMIN_SECRET, { closed }, 'PATCH');
    expect((await models(running, key)).status).toBe(200);
    expect((await close(true)).status).toBe(200);
    const refused = await models(running, key);
    expect([refused.status, await codeOf(refused)]).toEqual([403, 'account_closed']);
    expect(await ledgerOf(env, account.id, 'live').begin(asks({ key: id }))).toMatchObject({ type: 'refused' });
    expect((await close(false)).status).toBe(200);
    expect((await models(running, key)).status).toBe(200);
    expect(await ledgerOf(env, account.id, 'live').begin(asks({ key: id }))).toMatchObject({ type: 'held' });
  });

  it('is found in D1 where KV fails, and is asked for again where D1 does', async () => {
    const running = await edge();
    vi.spyOn(running.env.KV, 'get').mockRejectedValue(new Error('KV is down'));
    const d1 = vi.spyOn(running.env.DB, 'prepare').mockImplementation(() => {
      throw new Error('D1 is down');
    });
    const response = await models(running, running.key);
    expect([response.status, response.headers.get('retry-after'), await codeOf(response)]).toEqual([
      503,
      '1',
      'ledger_unavailable',
    ]);
    d1.mockRestore();
    expect((await models(running, running.key)).status).toBe(200);
  });

  it.each([
    'Bearer',
    'Bearer ',
    'Bearer  a b',
    'bearer\tx',
    'Basic c2s6',
    `Bearer ${'x'.repeat(300)}`,
    'Bearer sk_live_$',
    "Bearer ' OR 1=1 --",
    'Bearer sk_live_\u00e9',
  ])('is not what %j holds', async (authorization) => {
    const running = await edge();
    const response = await running.send('/v1/models', { headers: { authorization } });
    expect([response.status, await codeOf(response)]).toEqual([401, 'invalid_key']);
  });
});

describe('a publishable key', () => {
  const origins = ['https://shop.example', 'https://*.shop.example', 'http://localhost:3000'];

  it('works from its origins only', async () => {
    const running = await edge();
    const body = { name: 'n', kind: 'publishable', origins, monthly_limit_micro_dollars: 1_000 };
    const { key } = (await (await running.sendJson('/v1/keys', running.key, body)).json()) as { key: string };
    // Past the origin, what it meets here is that it may not list models.
    for (const origin of ['https://shop.example', 'https://www.shop.example', 'http://localhost:3000']) {
      const response = await models(running, key, { origin });
      expect([response.status, await codeOf(response)]).toEqual([403, 'missing_scope']);
      expect(response.headers.get('access-control-allow-origin')).toBe(origin);
    }
    for (const origin of ['https://evil.example', 'null', '', 'https://a.b.shop.example']) {
      const response = await models(running, key, { origin });
      expect([response.status, await codeOf(response)]).toEqual([403, 'origin_not_allowed']);
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
    }
    expect(await codeOf(await models(running, key))).toBe('origin_not_allowed');
  });

  it.each([
    ['https://shop.example', true],
    ['https://www.shop.example', true],
    ['https://WWW.shop.example', false],
    ['https://a.b.shop.example', false],
    ['https://.shop.example', false],
    ['https://evil-shop.example', false],
    ['https://shop.example.evil.example', false],
    ['https://evil.example/.shop.example', false],
    ['https://evil.example#.shop.example', false],
    ['https://user@www.shop.example', false],
    ['http://www.shop.example', false],
    ['https://www.shop.example:444', false],
    ['http://localhost:3001', false],
    ['null', false],
  ])('takes the page %s for one of its own: %s', (origin, expected) => {
    expect(originMatches(origin, origins)).toBe(expected);
  });

  it.each([
    ['https://example.com', true],
    ['https://example.com:8443', true],
    ['https://*.example.com', true],
    ['https://xn--bcher-kva.example', true],
    ['http://localhost', true],
    ['http://127.0.0.1:5173', true],
    ['*', false],
    ['null', false],
    ['https://*', false],
    ['https://*.com', false],
    ['https://*.*.example.com', false],
    ['https://www.*.com', false],
    ['https://example.com/', false],
    ['https://example.com/path', false],
    ['https://EXAMPLE.com', false],
    ['https://bücher.example', false],
    ['http://example.com', false],
    ['http://*.localhost', false],
    ['https://user@example.com', false],
    ['https://example.com:443', false],
    ['ftp://example.com', false],
    ['javascript:alert(1)', false],
    ['', false],
  ])('can have the origin %s: %s', (pattern, expected) => {
    expect(isOriginPattern(pattern)).toBe(expected);
  });
});

describe('what is remembered of a key', () => {
  it('is not the key: KV has its SHA-256 and nothing to make it from', async () => {
    const running = await edge();
    await models(running, running.key);
    await running.settled();
    const { keys } = await running.env.KV.list();
    const hash = await sha256Hex(running.key);
    expect(keys.map(({ name }) => name)).toContain(`key:${hash}`);
    expect(JSON.stringify([keys, await running.env.KV.get(`key:${hash}`)])).not.toContain(running.key.slice(8, 30));
  });
});

/** What web pages may do and read, and the headers that every answer has. */
import { describe, expect, it } from 'vitest';
import { ADMIN_SECRET, edge } from './upstream.ts';

const PAGE = 'https://page.example';

const preflightOf = (origin: string) => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  },
});

const allowed = ({ headers }: Response) => headers.get('access-control-allow-origin');

describe('a preflight', () => {
  it('is answered without a key, alike for all pages, and says nothing of credentials', async () => {
    const { send } = await edge();
    for (const origin of [PAGE, 'https://other.example']) {
      const response = await send('/v1/generations', preflightOf(origin));
      expect([response.status, await response.text()]).toEqual([204, '']);
      expect(allowed(response)).toBe('*');
      expect(response.headers.get('access-control-allow-headers')).toContain('authorization');
      expect(response.headers.get('access-control-allow-credentials')).toBeNull();
      expect(Number(response.headers.get('access-control-max-age'))).toBeGreaterThan(600);
    }
  });

  it('of the administrator’s routes is none', async () => {
    const { send } = await edge();
    const response = await send('/v1/admin/accounts', preflightOf(PAGE));
    expect([response.status, allowed(response)]).toEqual([405, null]);
  });

  it('is not any OPTIONS', async () => {
    const { send } = await edge();
    expect((await send('/v1/generations', { method: 'OPTIONS' })).status).toBe(405);
  });
});

describe('an answer', () => {
  it.each([
    [undefined, PAGE, null],
    ['', PAGE, null],
    ['https://other.example', PAGE, null],
    [`https://other.example, ${PAGE}`, PAGE, PAGE],
    [PAGE, `${PAGE}.evil.example`, null],
    [PAGE, 'null', null],
    [PAGE, '', null],
    ['*', PAGE, '*'],
  ])('of a deployment with CORS_ORIGINS %j may be read by the page %j: %j', async (CORS_ORIGINS, origin, expected) => {
    const { env, fetch, send } = await edge();
    Object.assign(env, { CORS_ORIGINS });
    for (const response of [
      await fetch('/v1/models', { headers: { origin } }),
      await fetch('/v1/nothing', { headers: { origin } }),
      await send('/v1/models', { headers: { origin } }),
    ]) {
      expect(allowed(response)).toBe(expected);
      expect(response.headers.get('vary')).toBe(expected === '*' ? null : 'Origin');
      expect(response.headers.get('access-control-expose-headers')?.includes('x-request-id') ?? false).toBe(
        expected !== null,
      );
    }
  });

  it('to a publishable key may be read by its pages, whatever it refuses', async () => {
    const { sendJson, key, send, account, fetch } = await edge();
    const body = { name: 'n', kind: 'publishable', origins: [PAGE], monthly_limit_micro_dollars: 1_000_000 };
    const made = (await (await sendJson('/v1/keys', key, body)).json()) as { id: string; key: string };
    const headers = { origin: PAGE, authorization: `Bearer ${made.key}`, 'content-type': 'application/json' };
    const ask = (request: object) =>
      send('/v1/generations', { method: 'POST', headers, body: JSON.stringify(request) });
    const refused = await ask({ prompt: 'p' });
    expect([refused.status, allowed(refused)]).toEqual([403, PAGE]);
    await fetch(`/v1/keys/${made.id}`, { method: 'DELETE' });
    const revoked = await ask({ prompt: 'p' });
    expect([revoked.status, allowed(revoked)]).toEqual([401, PAGE]);
    expect(account.id).toBeTruthy();
  });

  it('of the administrator’s routes may be read by no page', async () => {
    const { env, send, account } = await edge();
    Object.assign(env, { CORS_ORIGINS: '*' });
    const headers = { origin: PAGE, authorization: `Bearer ${ADMIN_SECRET}` };
    const response = await send(`/v1/admin/accounts/${account.id}`, { headers });
    expect([response.status, allowed(response)]).toEqual([200, null]);
  });

  it('has the headers that keep it from being run, framed or sniffed, whatever it says', async () => {
    const { fetch, send, ask, state } = await edge();
    state.behave = () => {
      throw new Error('something of ours');
    };
    const answers = [
      await fetch('/v1/models'),
      await fetch('/v1/nothing'),
      await send('/v1/models'),
      await send('/v1/generations', preflightOf(PAGE)),
      await ask({ prompt: 'p' }),
    ];
    for (const { headers } of answers) {
      expect(Object.fromEntries(headers)).toMatchObject({
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'referrer-policy': 'no-referrer',
        'strict-transport-security': expect.stringMatching(/^max-age=\d{8}/),
        'x-content-type-options': 'nosniff',
      });
      expect(headers.get('x-request-id')).toMatch(/^req_/);
    }
  });
});

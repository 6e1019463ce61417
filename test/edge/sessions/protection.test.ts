/** How much a preset wants to know of who runs it from a page. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { onlyReach } from '../billing/stand-ins.ts';
import { openShop, PAGE, refusal, type Shop } from './page.ts';
import { TESTING_SECRET, TURNSTILE_HOST, TURNSTILE_SECRET, turnstileServer } from './turnstile-server.ts';

let turnstile: ReturnType<typeof turnstileServer>;

beforeEach(() => {
  turnstile = turnstileServer();
  onlyReach({ [TURNSTILE_HOST]: turnstile.server });
});
afterEach(() => vi.restoreAllMocks());

const WITH_TURNSTILE = { protection: 'turnstile', turnstile: { secret: TURNSTILE_SECRET } };

/** What the page does with a token that a visitor of this host got. */
function open(shop: Shop, key: string, preset: string, token: string = crypto.randomUUID(), host = 'shop.example') {
  if (!turnstile.tokens.has(token)) turnstile.tokens.set(token, host);
  const headers = { origin: PAGE, 'cf-connecting-ip': '203.0.113.7' };
  return shop.post('/v1/client_sessions', key, { preset, turnstile_token: token }, headers);
}

describe('a preset protected by', () => {
  it('its origin is run with the publishable key, and with a session of the server', async () => {
    const shop = await openShop();
    const [preset, { key }] = [await shop.preset(), await shop.publishable()];
    const { client_secret } = await shop.session(preset);
    for (const bearer of [key, client_secret]) {
      const response = await shop.run(preset, bearer);
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, PAGE]);
    }
    const stream = await shop.run(preset, key, { stream: 'steps' });
    expect([stream.status, stream.headers.get('access-control-allow-origin')]).toEqual([200, PAGE]);
    expect(await stream.text()).toContain('event: done');
    const elsewhere = await shop.run(preset, key, {}, { origin: 'https://evil.example' });
    expect(await refusal(elsewhere)).toEqual([403, 'origin_not_allowed']);
    expect(await refusal(await open(shop, key, preset))).toEqual([400, 'invalid_request', '/preset']);
    expect(turnstile.asked).toEqual([]);
  });

  it('Turnstile is run in a session that a token of Turnstile opened, ten times', async () => {
    const shop = await openShop();
    const [preset, { key }] = [await shop.preset(WITH_TURNSTILE), await shop.publishable()];
    expect(await refusal(await shop.run(preset, key))).toEqual([403, 'session_required']);
    const response = await open(shop, key, preset);
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([201, PAGE]);
    const opened = (await response.json()) as { client_secret: string; uses: number; expires_at: string };
    expect(opened.uses).toBe(10);
    expect(Math.abs(Date.parse(opened.expires_at) - Date.now() - 300_000)).toBeLessThan(10_000);
    expect(turnstile.asked).toMatchObject([{ secret: TURNSTILE_SECRET, remoteip: '203.0.113.7' }]);
    expect((await shop.run(preset, opened.client_secret)).status).toBe(200);
    const { client_secret } = await shop.session(preset);
    expect((await shop.run(preset, client_secret)).status).toBe(200);
    expect((await shop.run(preset, shop.key, {}, {})).status).toBe(200);
  });

  it('Turnstile is not opened by a token that is used, foreign or made up, nor while Turnstile is away', async () => {
    const shop = await openShop();
    const [preset, { key }] = [await shop.preset(WITH_TURNSTILE), await shop.publishable()];
    expect((await open(shop, key, preset, 'once')).status).toBe(201);
    const no = [403, 'visitor_not_verified', '/turnstile_token'];
    expect(await refusal(await open(shop, key, preset, 'once'))).toEqual(no);
    expect(await refusal(await open(shop, key, preset, 'foreign', 'evil.example'))).toEqual(no);
    turnstile.tokens.clear();
    const made = { preset, turnstile_token: 'made up' };
    expect(await refusal(await shop.post('/v1/client_sessions', key, made, { origin: PAGE }))).toEqual(no);
    const testing = await shop.preset({ ...WITH_TURNSTILE, turnstile: { secret: TESTING_SECRET } });
    expect(await refusal(await open(shop, key, testing))).toEqual(no);
    turnstile.state.down = true;
    expect(await refusal(await open(shop, key, preset))).toEqual([502, 'upstream_failed']);
    expect([shop.generations(), await shop.charges()]).toEqual([0, []]);
  });

  it.each(['origin', 'uses', 'expires_in_seconds', 'variables'])(
    'Turnstile lets no page choose the %s of its session',
    async (field) => {
      const shop = await openShop();
      const [preset, { key }] = [await shop.preset(WITH_TURNSTILE), await shop.publishable()];
      const values: Record<string, unknown> = { origin: PAGE, uses: 1000, expires_in_seconds: 3600, variables: {} };
      const body = { preset, turnstile_token: 'x', [field]: values[field] };
      const response = await shop.post('/v1/client_sessions', key, body, { origin: PAGE });
      expect(await refusal(response)).toEqual([400, 'invalid_request', `/${field}`]);
      expect(turnstile.asked).toEqual([]);
    },
  );

  it('Turnstile asks no database, however many made-up tokens are sent', async () => {
    const shop = await openShop();
    const [preset, { key }] = [await shop.preset(WITH_TURNSTILE), await shop.publishable()];
    await open(shop, key, preset);
    const d1 = vi.spyOn(shop.env.DB, 'prepare');
    for (let i = 0; i < 5; i++) await open(shop, key, preset);
    expect(d1).not.toHaveBeenCalled();
  });

  it('a session is run in one that a server opened, and in no other', async () => {
    const shop = await openShop();
    const [preset, { key }] = [await shop.preset(WITH_TURNSTILE), await shop.publishable()];
    const { client_secret: visitors } = (await (await open(shop, key, preset)).json()) as { client_secret: string };
    expect((await shop.run(preset, visitors)).status).toBe(200);
    expect((await shop.replace(preset, { protection: 'session' })).status).toBe(200);
    expect(await refusal(await shop.run(preset, visitors))).toEqual([403, 'session_required']);
    expect(await refusal(await shop.run(preset, key))).toEqual([403, 'session_required']);
    expect(await refusal(await open(shop, key, preset))).toEqual([403, 'session_required']);
    const { client_secret } = await shop.session(preset);
    expect((await shop.run(preset, client_secret)).status).toBe(200);
  });
});

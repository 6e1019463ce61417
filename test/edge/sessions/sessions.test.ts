/** Client sessions: opened by a server, used by one page for one preset, and by nobody for anything else. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { signSession } from '../../../edge/sessions/token.ts';
import { TEXT } from '../metered.ts';
import { SESSION_SECRET } from '../upstream.ts';
import { openShop, PAGE, refusal } from './page.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a session', () => {
  it('runs its preset as often as it may, however many runs come at once, and is paid for by its key', async () => {
    const shop = await openShop();
    const preset = await shop.preset();
    const { client_secret, expires_at, uses } = await shop.session(preset, { uses: 3, expires_in_seconds: 60 });
    expect(uses).toBe(3);
    expect(Math.abs(Date.parse(expires_at) - Date.now() - 60_000)).toBeLessThan(10_000);
    const answers = await Promise.all(Array.from({ length: 8 }, () => shop.run(preset, client_secret)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 200, 200, 403, 403, 403, 403, 403]);
    for (const answer of answers) expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE);
    const refused = answers.find(({ status }) => status === 403)!;
    expect(await refusal(refused)).toEqual([403, 'session_used']);
    expect((await shop.charges()).map(({ amount }) => amount)).toEqual([-TEXT, -TEXT, -TEXT]);
    expect(shop.generations()).toBe(3);
  });

  it('streams, and a run that fails for a reason of ours is none', async () => {
    const shop = await openShop();
    const preset = await shop.preset();
    const { client_secret } = await shop.session(preset, { uses: 1 });
    const { behave } = shop.state;
    shop.state.behave = () => new Response('', { status: 500 });
    expect((await shop.run(preset, client_secret)).status).toBe(502);
    await shop.settled();
    shop.state.behave = behave;
    const stream = await shop.run(preset, client_secret, { stream: 'steps' });
    expect(await stream.text()).toContain('event: done');
    expect(await refusal(await shop.run(preset, client_secret))).toEqual([403, 'session_used']);
  });

  it('has variables that the page cannot change, and trying does not use it up', async () => {
    const shop = await openShop();
    const preset = await shop.preset();
    const { client_secret } = await shop.session(preset, { uses: 1, variables: { who: 'Ada' } });
    const changed = await shop.run(preset, client_secret, { variables: { who: 'Eve' } });
    expect(await refusal(changed)).toEqual([400, 'invalid_request', '/variables/who']);
    expect((await shop.run(preset, client_secret)).status).toBe(200);
    expect(shop.jobs.map(({ request }) => request.template)).toEqual(['Hello Ada, {{rest:words=1..4}}']);
  });

  it('gets no answer of another one, though its Idempotency-Key and its body are the same', async () => {
    const shop = await openShop();
    const preset = await shop.preset();
    const [ada, eve] = [
      await shop.session(preset, { variables: { who: 'Ada' } }),
      await shop.session(preset, { variables: { who: 'Eve' } }),
    ];
    const again = { 'idempotency-key': 'the-same' };
    const replayed = async (secret: string) => {
      const response = await shop.run(preset, secret, {}, again);
      expect(response.status).toBe(200);
      await response.text();
      await shop.settled();
      return response.headers.get('idempotent-replayed');
    };
    expect([await replayed(ada.client_secret), await replayed(ada.client_secret)]).toEqual([null, 'true']);
    expect(await replayed(eve.client_secret)).toBeNull();
    expect(shop.generations()).toBe(2);
  });

  it('of a test key runs a test preset, with play money', async () => {
    const shop = await openShop();
    const test = shop.account.keys.find(({ mode }) => mode === 'test')!.key;
    const preset = await shop.preset({}, test);
    const { client_secret } = await shop.session(preset, {}, test);
    expect((await shop.run(preset, client_secret)).status).toBe(200);
    expect(await shop.charges()).toEqual([]);
  });
});

describe('a session is refused', () => {
  it('once it has expired, which its page can read', async () => {
    const shop = await openShop();
    const preset = await shop.preset();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const { client_secret } = await shop.session(preset, { expires_in_seconds: 30 });
    vi.setSystemTime(Date.now() + 29_999);
    expect((await shop.run(preset, client_secret)).status).toBe(200);
    vi.setSystemTime(Date.now() + 1);
    const expired = await shop.run(preset, client_secret);
    expect(expired.headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(await refusal(expired)).toEqual([401, 'session_expired']);
  });

  it('from another page, or from none', async () => {
    const shop = await openShop();
    const preset = await shop.preset();
    const { client_secret } = await shop.session(preset);
    for (const origin of ['https://evil.example', 'null', `${PAGE}.evil.example`, 'http://shop.example']) {
      const response = await shop.run(preset, client_secret, {}, { origin });
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
      expect(await refusal(response)).toEqual([403, 'origin_not_allowed']);
    }
    const nowhere = await shop.post(`/v1/presets/${preset}/runs`, client_secret, {});
    expect(await refusal(nowhere)).toEqual([403, 'origin_not_allowed']);
    expect([shop.generations(), await shop.charges()]).toEqual([0, []]);
  });

  it('for another preset, of its account or of somebody else', async () => {
    const [shop, other] = [await openShop(), await openShop()];
    const [own, second, foreign] = [await shop.preset(), await shop.preset(), await other.preset()];
    const { client_secret } = await shop.session(own);
    for (const preset of [second, foreign, 'preset_none']) {
      expect(await refusal(await shop.run(preset, client_secret))).toEqual([403, 'missing_scope']);
    }
    expect([shop.generations(), await shop.charges(), await other.charges()]).toEqual([0, [], []]);
  });

  it('when it was made by somebody else, or changed', async () => {
    const shop = await openShop();
    const preset = await shop.preset();
    const { client_secret } = await shop.session(preset, { uses: 1 });
    const terms = JSON.parse(Buffer.from(client_secret.slice(3).split('.')[0], 'hex').toString());
    const raised = Buffer.from(JSON.stringify({ ...terms, uses: 1000 })).toString('hex');
    for (const forged of [
      await signSession(`${SESSION_SECRET} of another deployment`, terms),
      `cs_${raised}.${client_secret.split('.')[1]}`,
      client_secret.slice(0, -1),
      'cs_',
    ]) {
      expect(await refusal(await shop.run(preset, forged))).toEqual([401, 'invalid_session']);
    }
    // Signed by us, with a key that is not there.
    const orphan = await signSession(SESSION_SECRET, { ...terms, key: 'key_none' });
    expect(await refusal(await shop.run(preset, orphan))).toEqual([401, 'invalid_session']);
    expect([shop.generations(), await shop.charges()]).toEqual([0, []]);
  });

  it('at once when the key that opened it is revoked', async () => {
    const shop = await openShop();
    const preset = await shop.preset();
    const asked = { name: 'server of the shop', scopes: ['presets'] };
    const { id, key } = (await (await shop.sendJson('/v1/keys', shop.key, asked)).json()) as {
      id: string;
      key: string;
    };
    const { client_secret } = await shop.session(preset, {}, key);
    expect((await shop.run(preset, client_secret)).status).toBe(200);
    await shop.fetch(`/v1/keys/${id}`, { method: 'DELETE' });
    expect(await refusal(await shop.run(preset, client_secret))).toEqual([401, 'key_revoked']);
  });

  it('where the deployment has no secret for sessions', async () => {
    const shop = await openShop();
    const preset = await shop.preset();
    const { client_secret } = await shop.session(preset);
    for (const secret of [undefined, '', 'too short']) {
      Object.assign(shop.env, { SESSION_SECRET: secret });
      expect(await refusal(await shop.run(preset, client_secret))).toEqual([501, 'not_configured']);
      const opening = await shop.post('/v1/client_sessions', shop.key, { preset, origin: PAGE });
      expect(await refusal(opening)).toEqual([501, 'not_configured']);
    }
  });
});

describe('opening a session', () => {
  it.each([
    [{}, '/origin'],
    [{ origin: 'https://shop.example/' }, '/origin'],
    [{ origin: 'https://*.shop.example' }, '/origin'],
    [{ origin: 'http://shop.example' }, '/origin'],
    [{ origin: 'null' }, '/origin'],
    [{ origin: PAGE, uses: 0 }, '/uses'],
    [{ origin: PAGE, uses: 1001 }, '/uses'],
    [{ origin: PAGE, expires_in_seconds: 29 }, '/expires_in_seconds'],
    [{ origin: PAGE, expires_in_seconds: 3601 }, '/expires_in_seconds'],
    [{ origin: PAGE, turnstile_token: 'x' }, '/turnstile_token'],
    [{ origin: PAGE, variables: { who: 'x'.repeat(21) } }, '/variables/who'],
    [{ origin: PAGE, variables: { whom: 'x' } }, '/variables/whom'],
    [{ origin: PAGE, variables: { who: 1 } }, '/variables/who'],
  ])('with %j is refused at %s', async (more, pointer) => {
    const shop = await openShop();
    const preset = await shop.preset();
    const response = await shop.post('/v1/client_sessions', shop.key, { preset, ...more });
    expect(await refusal(response)).toEqual([400, 'invalid_request', pointer]);
  });

  it('with more variables than a header should hold is refused', async () => {
    const shop = await openShop();
    const names = Array.from({ length: 16 }, (_, i) => `v${i}`);
    const preset = await shop.preset({
      request: { prompt: names.map((name) => `{{var:${name}}}`).join(' ') },
      variables: Object.fromEntries(names.map((name) => [name, { max_characters: 100 }])),
    });
    const values = (value: string) => Object.fromEntries(names.map((name) => [name, value]));
    const open = (variables: object) => shop.post('/v1/client_sessions', shop.key, { preset, origin: PAGE, variables });
    expect(await refusal(await open(values('🐑'.repeat(100))))).toEqual([413, 'body_too_large', '']);
    const { client_secret } = (await (await open(values('🐑'.repeat(60)))).json()) as { client_secret: string };
    expect((await shop.run(preset, client_secret)).status).toBe(200);
  });

  it('for a preset of another account or mode is as for one that is not there', async () => {
    const [shop, other] = [await openShop(), await openShop()];
    const test = shop.account.keys.find(({ mode }) => mode === 'test')!.key;
    const [own, foreign] = [await shop.preset(), await other.preset()];
    for (const [preset, key] of [
      [foreign, shop.key],
      [own, test],
      ['preset_none', shop.key],
    ]) {
      const response = await shop.post('/v1/client_sessions', key, { preset, origin: PAGE });
      expect(await refusal(response)).toEqual([404, 'unknown_preset']);
    }
  });

  it('is not for keys that may only run or generate', async () => {
    const shop = await openShop();
    const preset = await shop.preset();
    for (const scope of ['run', 'generate', 'keys']) {
      const made = await shop.sendJson('/v1/keys', shop.key, { name: 'n', scopes: [scope] });
      const { key } = (await made.json()) as { key: string };
      const response = await shop.post('/v1/client_sessions', key, { preset, origin: PAGE });
      expect(await refusal(response)).toEqual([403, 'missing_scope']);
    }
  });
});

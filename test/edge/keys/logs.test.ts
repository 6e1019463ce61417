/** What the log never has: keys, secrets, and what callers wrote; and what it has of every change. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ADMIN_SECRET, edge, SECRET } from '../upstream.ts';

afterEach(() => vi.restoreAllMocks());

const PRIVATE = 'the private words of somebody';

/** An edge whose log lines are collected. */
async function logged(asked: object = {}) {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(String(line)));
  const running = await edge({ name: PRIVATE, email: `${PRIVATE}@b.example`, ...asked });
  return { ...running, lines };
}

describe('the log', () => {
  it('of every route has neither keys nor secrets nor what was written, whether it went well or not', async () => {
    const running = await logged();
    const { account, fetch, send, sendJson, key, lines, settled, state } = running;
    const name = PRIVATE;
    const made = (await (await sendJson('/v1/keys', key, { name })).json()) as { id: string; key: string };
    const next = (await (await sendJson(`/v1/keys/${made.id}/rotate`, key, {})).json()) as { key: string };
    const admin = `/v1/admin/accounts/${account.id}`;
    const texts = [
      '/v1/generations',
      '/v1/decisions',
      '/v1/completions',
      '/v1/chat/completions',
      '/v1/fim/completions',
    ];
    const messages = [{ role: 'user', content: PRIVATE }];
    const bodies = [
      { prompt: PRIVATE },
      { prompt: PRIVATE, stream: 'text' },
      { prompt: PRIVATE, odd: PRIVATE },
      { messages },
    ];
    const send2 = async () => {
      for (const path of texts) {
        for (const body of bodies) await (await sendJson(path, key, body)).text();
        await (await send(path, { method: 'POST', body: PRIVATE, headers: { authorization: `Bearer ${key}` } })).text();
      }
    };
    await send2();
    state.behave = () => {
      throw new Error('the service is gone');
    };
    await send2();
    for (const path of [
      '/v1/models',
      '/v1/prices',
      '/v1/keys',
      '/v1/audit',
      `/v1/keys/${key}`,
      `/${PRIVATE}`,
      '/v1/usage',
    ]) {
      for (const method of ['GET', 'DELETE']) await (await fetch(path, { method })).text();
      await (await send(`${path}?q=${PRIVATE}`, { headers: { authorization: `Bearer ${key.slice(0, -1)}` } })).text();
    }
    await sendJson('/v1/keys', key, { name, scopes: [key] });
    await sendJson(`${admin}/credits`, ADMIN_SECRET, { id: 'c', mode: 'live', kind: 'grant', micro_dollars: 1 });
    await sendJson(admin, ADMIN_SECRET, { name }, 'PATCH');
    await sendJson(admin, `${ADMIN_SECRET}x`, { closed: true }, 'PATCH');
    await fetch(`/v1/keys/${made.id}`, { method: 'DELETE' });
    await settled();
    expect(lines.length).toBeGreaterThan(60);
    const keys = [...account.keys.map((one) => one.key), made.key, next.key].map((one) => one.slice(8, 40));
    for (const secret of [...keys, ADMIN_SECRET, SECRET, PRIVATE, encodeURIComponent(PRIVATE)]) {
      expect(lines.filter((line) => line.includes(secret))).toEqual([]);
    }
  });

  it('has what callers wrote where their account asks for it, in part, and no longer when it does not', async () => {
    const { account, ask, fetch, sendJson, lines, settled } = await logged({ log_prompts: true });
    const answered = async (body: object) => {
      lines.length = 0;
      await (await ask(body)).text();
      await settled();
      return lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'answered') as { body?: string };
    };
    expect(JSON.parse((await answered({ prompt: PRIVATE })).body!)).toEqual({ prompt: PRIVATE });
    expect(JSON.parse((await answered({ promt: PRIVATE })).body!)).toEqual({ promt: PRIVATE });
    expect((await answered({ prompt: 'x'.repeat(100_000) })).body!.length).toBe(4_000);
    lines.length = 0;
    await fetch('/v1/models');
    expect(lines.join()).not.toContain('"body"');
    await sendJson(`/v1/admin/accounts/${account.id}`, ADMIN_SECRET, { log_prompts: false }, 'PATCH');
    expect((await answered({ prompt: PRIVATE })).body).toBeUndefined();
  });

  it('has one line for each change: who, what, of what, in which request', async () => {
    const { account, key, sendJson, fetch, lines } = await logged();
    const by = account.keys.find(({ mode }) => mode === 'live')!.id;
    const admin = `/v1/admin/accounts/${account.id}`;
    lines.length = 0;
    const created = await sendJson('/v1/keys', key, { name: 'n' });
    const made = (await created.json()) as { id: string };
    await sendJson(`/v1/keys/${made.id}/rotate`, key, {});
    await fetch(`/v1/keys/${made.id}`, { method: 'DELETE' });
    await sendJson(`${admin}/credits`, ADMIN_SECRET, { id: 'c', mode: 'live', kind: 'grant', micro_dollars: 1 });
    await sendJson(admin, ADMIN_SECRET, { log_prompts: true, closed: true }, 'PATCH');
    const changes = lines.map((line) => JSON.parse(line)).filter(({ audit }) => audit === true);
    expect(changes.map(({ msg, actor, target }) => [msg, actor, target])).toEqual([
      ['key.created', by, made.id],
      ['key.rotated', by, made.id],
      ['key.revoked', by, made.id],
      ['credit.added', 'admin', 'admin_c'],
      ['account.changed', 'admin', account.id],
      ['account.closed', 'admin', account.id],
    ]);
    expect(changes[0]).toMatchObject({ account: account.id, request: created.headers.get('x-request-id') });
  });
});

describe('GET /v1/audit', () => {
  it('has the same, newest first, page by page', async () => {
    const { key, sendJson, fetch } = await edge();
    const ids = [];
    for (let i = 0; i < 3; i++)
      ids.push(((await (await sendJson('/v1/keys', key, { name: 'n' })).json()) as { id: string }).id);
    interface Page {
      readonly data: readonly { readonly id: string; readonly target: string; readonly action: string }[];
      readonly has_more: boolean;
    }
    const page = async (query: string) => (await (await fetch(`/v1/audit?${query}`)).json()) as Page;
    const first = await page('limit=2');
    expect([first.data.map(({ target }) => target), first.has_more]).toEqual([[ids[2], ids[1]], true]);
    const rest = await page(`limit=10&after=${first.data[1].id}`);
    expect(rest.data.map(({ action }) => action)).toEqual([
      'key.created',
      'key.created',
      'key.created',
      'account.opened',
    ]);
    expect(rest.has_more).toBe(false);
    expect((await fetch('/v1/audit?after=x')).status).toBe(400);
  });
});

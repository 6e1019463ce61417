/** An account's keys as their owner manages them. */
import { describe, expect, it } from 'vitest';
import { SCOPES } from '../../../edge/caller.ts';
import { ledgerOf } from '../../../edge/ledger/ledger-of.ts';
import { sha256Hex } from '../../../shared/contract/digest.ts';
import { asks } from '../ledger/account.ts';
import { edge } from '../upstream.ts';

interface Key {
  readonly id: string;
  readonly key?: string;
  readonly state: string;
  readonly scopes: readonly string[];
  readonly mode: 'live' | 'test';
  readonly last4: string;
  readonly expires_at: string | null;
  readonly rotates: string | null;
}

type Edge = Awaited<ReturnType<typeof edge>>;

async function make({ sendJson, key }: Edge, body: object = {}, by = key): Promise<Key & { readonly key: string }> {
  const response = await sendJson('/v1/keys', by, { name: 'of a test', ...body });
  expect(response.status).toBe(201);
  return response.json();
}

const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });
const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;
const models = ({ fetch }: Edge, key: string) => fetch('/v1/models', as(key));

async function begin({ env, account }: Edge, key: string, mode: 'live' | 'test' = 'live'): Promise<string> {
  const begun = await ledgerOf(env, account.id, mode).begin(asks({ key }));
  return begun.type === 'refused' ? begun.problem.code : begun.type;
}

describe('a new key', () => {
  it('works at once, is shown once, and lies nowhere but as its SHA-256', async () => {
    const running = await edge();
    const made = await make(running);
    expect(made).toMatchObject({
      object: 'key',
      state: 'active',
      last4: made.key.slice(-4),
      scopes: ['generate', 'decide', 'models'],
    });
    expect((await models(running, made.key)).status).toBe(200);
    expect(await begin(running, made.id)).toBe('held');
    const list = await (await running.fetch('/v1/keys')).text();
    expect(list).toContain(made.id);
    await running.settled();
    const { results } = await running.env.DB.prepare('SELECT * FROM keys').all();
    const audit = await running.env.DB.prepare('SELECT * FROM audit').all();
    const hash = await sha256Hex(made.key);
    const kept = [
      list,
      JSON.stringify(results),
      JSON.stringify(audit.results),
      await running.env.KV.get(`key:${hash}`),
    ];
    expect(kept[1]).toContain(hash);
    expect(kept[3]).toContain(made.id);
    for (const text of kept) expect(text).not.toContain(made.key.slice(8));
  });

  it('has the scopes it was given, and no others', async () => {
    const running = await edge();
    const { key } = await make(running, { scopes: ['models'] });
    expect((await models(running, key)).status).toBe(200);
    expect(await codeOf(await running.ask({ prompt: 'p' }, as(key).headers))).toBe('missing_scope');
    expect(await codeOf(await running.fetch('/v1/keys', as(key)))).toBe('missing_scope');
    expect(running.generations()).toBe(0);
  });

  it('cannot have more scopes than the key that makes it, nor be shown by it', async () => {
    const running = await edge();
    const { key: manager } = await make(running, { scopes: ['keys', 'models'] });
    const made = await make(running, { scopes: ['models'] }, manager);
    const refused = await running.sendJson('/v1/keys', manager, { name: 'n', scopes: ['models', 'generate'] });
    expect([refused.status, await codeOf(refused)]).toEqual([403, 'missing_scope']);
    const first = running.account.keys.find(({ mode }) => mode === 'live')!.id;
    expect(await codeOf(await running.sendJson(`/v1/keys/${first}/rotate`, manager, {}))).toBe('missing_scope');
    expect((await running.sendJson(`/v1/keys/${made.id}/rotate`, manager, {})).status).toBe(201);
  });

  it('that is publishable runs presets and does nothing else, whoever makes it', async () => {
    const running = await edge();
    const publishable = { kind: 'publishable', origins: ['https://a.example'], monthly_limit_micro_dollars: 1 };
    expect((await make(running, publishable)).scopes).toEqual(['run']);
    const { key: maker } = await make(running, { scopes: ['keys', 'generate'] });
    expect((await make(running, publishable, maker)).scopes).toEqual(['run']);
    const { key: other } = await make(running, { scopes: ['keys', 'models'] });
    const refused = await running.sendJson('/v1/keys', other, { name: 'n', ...publishable });
    expect([refused.status, await codeOf(refused)]).toEqual([403, 'missing_scope']);
    for (const scope of SCOPES.filter((scope) => scope !== 'run')) {
      const response = await running.sendJson('/v1/keys', running.key, { name: 'n', ...publishable, scopes: [scope] });
      expect([response.status, ((await response.json()) as { pointer: string }).pointer]).toEqual([400, '/scopes']);
    }
  });

  it('of a test key is a test key, which neither makes nor sees live ones', async () => {
    const running = await edge();
    const test = running.account.keys.find(({ mode }) => mode === 'test')!;
    const live = running.account.keys.find(({ mode }) => mode === 'live')!;
    const made = await make(running, {}, test.key);
    expect([made.mode, made.key.slice(0, 8)]).toEqual(['test', 'sk_test_']);
    expect(await begin(running, made.id, 'test')).toBe('held');
    expect(await begin(running, made.id, 'live')).toBe('invalid_key');
    for (const body of [
      { mode: 'live' },
      { kind: 'publishable', origins: ['https://a.example'], monthly_limit_micro_dollars: 1 },
    ]) {
      expect((await running.sendJson('/v1/keys', test.key, { name: 'n', ...body })).status).toBe(403);
    }
    for (const method of ['GET', 'DELETE']) {
      expect((await running.fetch(`/v1/keys/${live.id}`, { method, ...as(test.key) })).status).toBe(404);
    }
    const { data } = (await (await running.fetch('/v1/keys', as(test.key))).json()) as { data: Key[] };
    expect(data.map(({ mode }) => mode)).toEqual(['test', 'test']);
    const audit = await (await running.fetch('/v1/audit', as(test.key))).text();
    expect(audit).toContain(made.id);
    expect(audit).not.toContain(live.id);
  });

  it.each([
    [{}, '/name'],
    [{ name: '' }, '/name'],
    [{ name: 'n', scopes: ['all'] }, '/scopes/0'],
    [{ name: 'n', scopes: [] }, '/scopes'],
    [{ name: 'n', colour: 1 }, '/colour'],
    [{ name: 'n', requests_per_minute: 0 }, '/requests_per_minute'],
    [{ name: 'n', monthly_limit_micro_dollars: 0.5 }, '/monthly_limit_micro_dollars'],
    [{ name: 'n', expires_at: 'tomorrow' }, '/expires_at'],
    [{ name: 'n', expires_at: '2020-01-01T00:00:00Z' }, '/expires_at'],
    [{ name: 'n', expires_at: '2027-02-31' }, '/expires_at'],
    [{ name: 'n', origins: ['https://a.example'] }, '/origins'],
    [{ name: 'n', kind: 'publishable', monthly_limit_micro_dollars: 1 }, '/origins'],
    [{ name: 'n', kind: 'publishable', origins: ['https://a.example'] }, '/monthly_limit_micro_dollars'],
    [{ name: 'n', kind: 'publishable', mode: 'test' }, '/mode'],
    [{ name: 'n', kind: 'publishable', scopes: ['keys'] }, '/scopes'],
    [{ name: 'n', kind: 'publishable', monthly_limit_micro_dollars: 1, origins: ['https://a.example/'] }, '/origins/0'],
  ])('asked for as %j is refused at %s', async (body, pointer) => {
    const { sendJson, key } = await edge();
    const response = await sendJson('/v1/keys', key, body);
    expect([response.status, ((await response.json()) as { pointer: string }).pointer]).toEqual([400, pointer]);
  });

  it('is refused beyond a hundred active ones, whose number a revoked one does not count into', async () => {
    const running = await edge();
    const { env, account } = running;
    const { results } = await env.DB.prepare('SELECT * FROM keys WHERE account = ? LIMIT 1').bind(account.id).all();
    const [row] = results;
    const names = Object.keys(row);
    const insert = env.DB.prepare(`INSERT INTO keys (${names}) VALUES (${names.map(() => '?')})`);
    const others = Array.from({ length: 98 }, (_, i) => ({
      ...row,
      id: `key_${account.id}_${i}`,
      hash: `${account.id}_${i}`,
    }));
    await env.DB.batch(others.map((other) => insert.bind(...Object.values(other))));
    const response = await running.sendJson('/v1/keys', running.key, { name: 'one more' });
    expect([response.status, await codeOf(response)]).toEqual([409, 'conflict']);
    await running.fetch(`/v1/keys/key_${account.id}_5`, { method: 'DELETE' });
    await make(running);
  });
});

describe('the keys of an account', () => {
  it('are listed newest first, page by page', async () => {
    const running = await edge();
    const made = [];
    for (let i = 0; i < 4; i++) made.push((await make(running)).id);
    const page = async (query: string) => {
      const list = (await (await running.fetch(`/v1/keys?${query}`)).json()) as { data: Key[]; has_more: boolean };
      return [list.data.map(({ id }) => id), list.has_more];
    };
    expect(await page('limit=3')).toEqual([made.slice(1).reverse(), true]);
    expect((await page(`limit=1&after=${made[1]}`))[0]).toEqual([made[0]]);
    expect((await page(`limit=3&after=${made[0]}`))[1]).toBe(false);
    expect((await running.fetch('/v1/keys?limit=0')).status).toBe(400);
    expect((await running.fetch('/v1/keys?page=1')).status).toBe(400);
  });

  it('are not there for another account', async () => {
    const [mine, yours] = [await edge(), await edge()];
    const { id, key } = await make(mine);
    for (const [path, method] of [
      [`/v1/keys/${id}`, 'GET'],
      [`/v1/keys/${id}`, 'DELETE'],
      [`/v1/keys/${id}/rotate`, 'POST'],
    ]) {
      const body = method === 'POST' ? '{}' : undefined;
      const response = await yours.fetch(path, { method, body, headers: { 'content-type': 'application/json' } });
      expect([response.status, await codeOf(response)]).toEqual([404, 'unknown_key']);
    }
    expect(await (await yours.fetch('/v1/keys')).text()).not.toContain(id);
    expect(await (await yours.fetch(`/v1/keys?after=${id}`)).text()).not.toContain(id);
    expect(await (await yours.fetch('/v1/audit')).text()).not.toContain(id);
    expect((await models(mine, key)).status).toBe(200);
  });
});

describe('a revoked key', () => {
  it('is refused at once, here and by the ledger, and stays so', async () => {
    const running = await edge();
    const { id, key } = await make(running);
    expect((await models(running, key)).status).toBe(200);
    const response = await running.fetch(`/v1/keys/${id}`, { method: 'DELETE' });
    expect(await response.json()).toMatchObject({ id, state: 'revoked' });
    const refused = await models(running, key);
    expect([refused.status, await codeOf(refused)]).toEqual([401, 'key_revoked']);
    expect(await begin(running, id)).toBe('key_revoked');
    const again = (await (await running.fetch(`/v1/keys/${id}`, { method: 'DELETE' })).json()) as Key;
    expect(again.state).toBe('revoked');
    const { data } = (await (await running.fetch('/v1/audit')).json()) as {
      data: { action: string; target: string }[];
    };
    expect(data.filter(({ target }) => target === id).map(({ action }) => action)).toEqual([
      'key.revoked',
      'key.created',
    ]);
  });

  it('can be the one that asks', async () => {
    const running = await edge();
    const { id, key } = await make(running, { scopes: ['keys'] });
    expect((await running.fetch(`/v1/keys/${id}`, { method: 'DELETE', ...as(key) })).status).toBe(200);
    expect((await running.fetch('/v1/keys', as(key))).status).toBe(401);
  });
});

describe('a rotation', () => {
  it('has two active keys with the same terms, and never three', async () => {
    const running = await edge();
    const old = await make(running, { scopes: ['models'], requests_per_minute: 7 });
    const rotate = (id: string, body: object = {}) => running.sendJson(`/v1/keys/${id}/rotate`, running.key, body);
    const response = await rotate(old.id, { overlap_seconds: 3600 });
    expect(response.status).toBe(201);
    const next = (await response.json()) as Key & { key: string };
    expect(next).toMatchObject({ rotates: old.id, scopes: ['models'], requests_per_minute: 7, expires_at: null });
    for (const { key } of [old, next]) expect((await models(running, key)).status).toBe(200);
    const ending = (await (await running.fetch(`/v1/keys/${old.id}`)).json()) as Key;
    expect(Math.abs(Date.parse(ending.expires_at!) - Date.now() - 3_600_000)).toBeLessThan(30_000);
    for (const id of [old.id, next.id]) expect(await codeOf(await rotate(id))).toBe('conflict');
    await running.fetch(`/v1/keys/${old.id}`, { method: 'DELETE' });
    expect(await codeOf(await rotate(old.id))).toBe('conflict');
    expect((await rotate(next.id)).status).toBe(201);
  });

  it('asked for many times at once happens once', async () => {
    const running = await edge();
    const { id } = await make(running);
    const asked = Array.from({ length: 5 }, () => running.sendJson(`/v1/keys/${id}/rotate`, running.key, {}));
    expect((await Promise.all(asked)).map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
  });

  it('neither ends the old key sooner than its answers are forgotten, nor prolongs it', async () => {
    const running = await edge();
    const expires_at = new Date(Date.now() + 600_000).toISOString();
    const { id } = await make(running, { expires_at });
    expect((await running.sendJson(`/v1/keys/${id}/rotate`, running.key, { overlap_seconds: 59 })).status).toBe(400);
    const response = await running.sendJson(`/v1/keys/${id}/rotate`, running.key, {});
    expect(((await response.json()) as Key).expires_at).toBe(expires_at);
    expect(((await (await running.fetch(`/v1/keys/${id}`)).json()) as Key).expires_at).toBe(expires_at);
  });
});

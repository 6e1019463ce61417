/** Accounts as whoever runs a deployment opens and changes them. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { equalSecrets } from '../../../edge/constant-time.ts';
import { ledgerOf } from '../../../edge/ledger/ledger-of.ts';
import { ADMIN_SECRET, edge, GRANT } from '../upstream.ts';

afterEach(() => vi.restoreAllMocks());

const codeOf = async (response: Response) => [response.status, ((await response.json()) as { code: string }).code];

interface Shown {
  readonly id: string;
  readonly email: string | null;
  readonly closed_at: string | null;
  readonly balances: Record<'live' | 'test', { readonly balance_micro_dollars: number }>;
  readonly keys: readonly { readonly key?: string; readonly mode: string }[];
}

describe('an account', () => {
  it('is opened with two ledgers, their grants and its keys, which are shown this once', async () => {
    const { env, send, open } = await edge();
    const account = (await open({ email: 'a@b.example', grant_micro_dollars: { live: 5 } })) as unknown as Shown;
    expect(account.keys.map(({ mode, key }) => [mode, key?.slice(0, 8)])).toEqual([
      ['live', 'sk_live_'],
      ['test', 'sk_test_'],
    ]);
    expect(account.balances.live.balance_micro_dollars).toBe(5);
    expect(account.balances.test.balance_micro_dollars).toBe(0);
    expect(await ledgerOf(env, account.id, 'live').entries(0, 10)).toMatchObject([
      { kind: 'grant', amount: 5, balance: 5 },
    ]);
    const headers = { authorization: `Bearer ${ADMIN_SECRET}` };
    const again = await (await send(`/v1/admin/accounts/${account.id}`, { headers })).text();
    expect(JSON.parse(again)).toMatchObject({ id: account.id, email: 'a@b.example', closed_at: null });
    for (const { key } of account.keys) expect(again).not.toContain(key);
  });

  it('that lost all its keys is given another one', async () => {
    const { open, sendJson, send } = await edge();
    const { id } = await open({ keys: [] });
    const response = await sendJson(`/v1/admin/accounts/${id}/keys`, ADMIN_SECRET, { name: 'n', scopes: ['models'] });
    const { key } = (await response.json()) as { key: string };
    expect((await send('/v1/models', { headers: { authorization: `Bearer ${key}` } })).status).toBe(200);
  });

  it.each([
    [{}, '/name'],
    [{ name: 'n', grant_micro_dollars: { live: -1 } }, '/grant_micro_dollars/live'],
    [{ name: 'n', grant_micro_dollars: { live: 0.5 } }, '/grant_micro_dollars/live'],
    [{ name: 'n', grant_micro_dollars: { real: 1 } }, '/grant_micro_dollars/real'],
    [{ name: 'n', keys: ['play'] }, '/keys/0'],
    [{ name: 'n', log_prompts: 'yes' }, '/log_prompts'],
  ])('asked for as %j is refused at %s', async (body, pointer) => {
    const { sendJson } = await edge();
    const response = await sendJson('/v1/admin/accounts', ADMIN_SECRET, body);
    expect([response.status, ((await response.json()) as { pointer: string }).pointer]).toEqual([400, pointer]);
  });

  it('that is not there is not found', async () => {
    const { send, sendJson } = await edge();
    const headers = { authorization: `Bearer ${ADMIN_SECRET}` };
    expect(await codeOf(await send('/v1/admin/accounts/acc_x', { headers }))).toEqual([404, 'unknown_account']);
    expect(await codeOf(await sendJson('/v1/admin/accounts/acc_x', ADMIN_SECRET, { closed: true }, 'PATCH'))).toEqual([
      404,
      'unknown_account',
    ]);
  });

  it('that is closed is closed once, and audited', async () => {
    const { account, sendJson, env } = await edge();
    const close = () => sendJson(`/v1/admin/accounts/${account.id}`, ADMIN_SECRET, { closed: true }, 'PATCH');
    const first = (await (await close()).json()) as Shown;
    expect(((await (await close()).json()) as Shown).closed_at).toBe(first.closed_at);
    const { results } = await env.DB.prepare('SELECT actor, action FROM audit WHERE account = ? ORDER BY seq')
      .bind(account.id)
      .all<{ actor: string; action: string }>();
    expect(results.map(({ action }) => action)).toEqual([
      'account.opened',
      'key.created',
      'key.created',
      'account.closed',
    ]);
    expect(new Set(results.map(({ actor }) => actor))).toEqual(new Set(['admin']));
  });
});

describe('a credit', () => {
  it('is given once for each id', async () => {
    const { account, sendJson, env } = await edge();
    const credit = (body: object) => sendJson(`/v1/admin/accounts/${account.id}/credits`, ADMIN_SECRET, body);
    const body = { id: 'thanks', mode: 'live', kind: 'grant', micro_dollars: 7 };
    for (let i = 0; i < 3; i++) {
      const response = await credit(body);
      expect(await response.json()).toMatchObject({ credited_micro_dollars: 7, balance_micro_dollars: GRANT + 7 });
    }
    expect(await ledgerOf(env, account.id, 'test').balance()).toMatchObject({ balance: GRANT });
    const taken = await credit({ id: 'sorry', mode: 'live', kind: 'adjustment', micro_dollars: -2 * GRANT });
    expect(await taken.json()).toMatchObject({ credited_micro_dollars: -GRANT - 7, balance_micro_dollars: 0 });
    for (const wrong of [
      { ...body, micro_dollars: -1 },
      { ...body, kind: 'top_up' },
      { ...body, id: '' },
    ]) {
      expect((await credit(wrong)).status).toBe(400);
    }
  });

  it('whose audit row fails is given once all the same', async () => {
    const { account, sendJson, env } = await edge();
    const body = { id: 'x', mode: 'live', kind: 'grant', micro_dollars: 7 };
    const credit = () => sendJson(`/v1/admin/accounts/${account.id}/credits`, ADMIN_SECRET, body);
    const { prepare } = env.DB;
    vi.spyOn(env.DB, 'prepare').mockImplementation((sql) =>
      prepare.call(env.DB, sql.replace('INTO audit', 'INTO nothing')),
    );
    expect(await codeOf(await credit())).toEqual([503, 'ledger_unavailable']);
    vi.restoreAllMocks();
    expect(await (await credit()).json()).toMatchObject({ balance_micro_dollars: GRANT + 7 });
  });
});

describe('the administrator', () => {
  it.each([undefined, '', 'short', 'x'.repeat(31)])('is nobody where the secret is %j', async (secret) => {
    const { env, sendJson } = await edge();
    Object.assign(env, { ADMIN_SECRET: secret });
    expect(await codeOf(await sendJson('/v1/admin/accounts', secret || 'x', { name: 'n' }))).toEqual([
      501,
      'not_configured',
    ]);
  });

  it.each(['', 'Bearer', 'Bearer x', `Bearer ${ADMIN_SECRET.slice(0, -1)}`, `Bearer ${ADMIN_SECRET}x`, ADMIN_SECRET])(
    'is not who says %j',
    async (authorization) => {
      const { send, account } = await edge();
      const response = await send(`/v1/admin/accounts/${account.id}`, { headers: { authorization } });
      expect(await codeOf(response)).toEqual([401, 'invalid_key']);
    },
  );

  it('is not the holder of a key, and the secret is no key', async () => {
    const { fetch, send, account } = await edge();
    expect((await fetch(`/v1/admin/accounts/${account.id}`)).status).toBe(401);
    expect((await send('/v1/models', { headers: { authorization: `Bearer ${ADMIN_SECRET}` } })).status).toBe(401);
  });
});

describe('secrets', () => {
  it('are equal where they are, whatever their lengths', async () => {
    expect(await equalSecrets('abc', 'abc')).toBe(true);
    for (const other of ['', 'abd', 'ab', 'abcd', 'ABC']) expect(await equalSecrets(other, 'abc')).toBe(false);
  });
});

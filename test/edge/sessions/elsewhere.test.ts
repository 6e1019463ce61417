/** What a page has in its source or its memory is of no use on any other route than its own. */
import { env as bindings } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../../edge/index.ts';
import { openShop, PAGE, refusal, type Shop } from './page.ts';

/** Routes that a page may use, and those that want no key, or the administrator's. */
const PAGES = ['POST /v1/presets/:id/runs', 'POST /v1/client_sessions'];
const OTHERS = /^\w+ \/v1\/(prices|webhooks|admin)\b/;

const routes = [
  ...new Set(
    createApp()
      .routes.filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`),
  ),
];
const keyed = routes.filter((route) => !PAGES.includes(route) && !OTHERS.test(route));
const administered = routes.filter((route) => route.includes('/v1/admin/'));

let shop: Shop;
let ids: readonly string[];
let publishable: string;
let session: string;
beforeAll(async () => {
  shop = await openShop();
  const preset = await shop.preset();
  ids = [preset, shop.account.keys[0].id];
  publishable = (await shop.publishable()).key;
  session = (await shop.session(preset)).client_secret;
});

async function ask(route: string, bearer: string, id: string) {
  const [method, path] = route.split(' ');
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', origin: PAGE };
  const body = method === 'GET' || method === 'DELETE' ? undefined : '{"prompt":"p"}';
  return await refusal(await shop.send(path.replaceAll(/:\w+/g, id), { method, headers, body }));
}

describe('of a page', () => {
  it('there are enough routes to be refused at', () => {
    expect(keyed.length).toBeGreaterThan(20);
    expect(administered.length).toBeGreaterThan(3);
    expect(PAGES.filter((route) => !routes.includes(route))).toEqual([]);
  });

  it.each(keyed)('neither the publishable key nor a session is good for %s', async (route) => {
    for (const id of ids) {
      expect(await ask(route, publishable, id)).toEqual([403, 'missing_scope']);
      expect(await ask(route, session, id)).toEqual([401, 'invalid_key']);
    }
  });

  it.each(administered)('neither is good for %s', async (route) => {
    for (const bearer of [publishable, session]) {
      expect(await ask(route, bearer, shop.account.id)).toEqual([401, 'invalid_key']);
    }
  });

  it('nothing of that was billed, or reached a model', async () => {
    expect([shop.generations(), await shop.charges()]).toEqual([0, []]);
    const { data } = (await (await shop.fetch('/v1/presets')).json()) as { data: readonly unknown[] };
    expect(data.length).toBe(1);
  });

  it('a publishable key that was made when more was allowed is good for no more', async () => {
    const older = await shop.publishable();
    const update = shop.env.DB.prepare('UPDATE keys SET scopes = ? WHERE id = ?');
    await update.bind('["generate","decide","models"]', older.id).run();
    const { queries = [] } = bindings.MIGRATIONS.find(({ name }) => name === '0004_publishable.sql') ?? {};
    for (const query of queries) await shop.env.DB.prepare(query).run();
    expect(await ask('POST /v1/generations', older.key, '')).toEqual([403, 'missing_scope']);
    expect(shop.generations()).toBe(0);
  });

  it('a session opens no session', async () => {
    const body = { preset: ids[0], origin: PAGE };
    const response = await shop.post('/v1/client_sessions', session, body, { origin: PAGE });
    expect(await refusal(response)).toEqual([401, 'invalid_key']);
  });
});

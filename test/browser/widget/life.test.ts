/** When a widget begins, begins anew and ends, and with what it is let in. */
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { TESTING_SECRET, TURNSTILE_SECRET } from '../../edge/sessions/turnstile-server.ts';
import { withChromium } from '../chromium.ts';
import { type Owner, openOwner } from './owner.ts';
import { withWebsite } from './page.ts';
import { rest, standing, told, watchWidgets } from './seen.ts';

const open = withChromium();
const website = withWebsite();

type Widget = HTMLElement & {
  value: string;
  variables: Record<string, string>;
  getSession?: () => Promise<{ client_secret: string; expires_at: string }>;
  run(): Promise<string | undefined>;
  verify(token: string): Promise<string | undefined>;
};

let owner: Owner;
let preset: string;
let key: string;

beforeAll(async () => {
  owner = await openOwner();
  preset = await owner.preset(
    { template: 'Hello {{var:name}}, {{rest:words=2..4}}.' },
    { variables: { name: { default: 'you' } } },
  );
  key = await owner.key(website.origin);
});

const widget = (attributes = '') =>
  `<maskwright-text id="one" key="${key}" preset="${preset}" ${attributes}>Hello.</maskwright-text>`;

async function opened(body: string, policy?: string) {
  const tab = await open();
  await watchWidgets(tab.page);
  const runs: string[] = [];
  tab.page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/runs')) runs.push(request.headers().authorization);
  });
  await tab.page.goto(website.show({ body, policy }));
  return { ...tab, runs };
}

describe('a widget', () => {
  it('that is lazy begins when it is seen', async () => {
    const tall = '<div id="tall"></div>';
    const { page, runs, close } = await opened(`${tall}${widget('lazy')}`);
    await page.evaluate(() => {
      document.getElementById('tall')!.style.height = '3000px';
    });
    await page.waitForTimeout(300);
    const before = runs.length;
    await page.locator('#one').scrollIntoViewIfNeeded();
    await rest(page, 'one');
    expect([before <= 1, runs.length]).toEqual([true, 1]);
    await close();
  });

  it('that is manual begins by run(), which resolves to the text', async () => {
    const { page, runs, close } = await opened(widget('manual'));
    await page.waitForTimeout(200);
    expect(runs).toEqual([]);
    const text = await page.evaluate(() => document.querySelector<Widget>('#one')!.run());
    expect(text).toMatch(/^Hello you, .+\.$/);
    expect((await standing(page, 'one')).value).toBe(text);
    await close();
  });

  it('makes a new text when its variables change, once for all changes', async () => {
    const { page, runs, close } = await opened(widget());
    await rest(page, 'one');
    const text = await page.evaluate(async () => {
      const element = document.querySelector<Widget>('#one')!;
      for (const name of ['Ada', 'Bo', 'Cy']) element.variables = { name };
      await new Promise((resolve) => element.addEventListener('maskwright-done', resolve, { once: true }));
      return element.value;
    });
    expect(text).toMatch(/^Hello Cy, /);
    expect(runs).toHaveLength(2);
    await close();
  });

  it('takes properties that were set before its module came', async () => {
    const { page, close } = await opened(widget('manual'));
    const text = await page.evaluate(async () => {
      const early = document.createElement('maskwright-text-later') as Widget;
      const made = document.querySelector<Widget>('#one')!;
      class Later extends (made.constructor as new () => Widget) {}
      early.variables = { name: 'Eve' };
      document.body.append(early);
      customElements.define('maskwright-text-later', Later);
      return early.getAttribute('variables');
    });
    expect(text).toBe('{"name":"Eve"}');
    await close();
  });

  it('that is moved goes on, and one that is taken away ends', async () => {
    const { page, runs, close } = await opened(`${widget()}<div id="elsewhere"></div>`);
    await page.evaluate(() => document.querySelector('#elsewhere')!.append(document.querySelector('#one')!));
    await rest(page, 'one');
    expect(runs).toHaveLength(1);
    const ended = page.waitForEvent('requestfailed');
    await page.evaluate(() => {
      const element = document.querySelector<Widget>('#one')!;
      void element.run();
      setTimeout(() => element.remove(), 1);
    });
    expect((await ended).failure()?.errorText).toBe('net::ERR_ABORTED');
    expect((await told(page)).map(({ type }) => type)).not.toContain('maskwright-error');
    await close();
  });
});

describe('with a session', () => {
  const policy = () =>
    `default-src 'none'; script-src ${inject('url')}; connect-src 'self' ${inject('url')}; style-src 'self'`;
  const body = (preset: string, attributes: string) =>
    `<maskwright-text id="one" preset="${preset}" ${attributes}>Hello.</maskwright-text>`;

  it("from the page's own server it runs what a publishable key may not, and asks for another when it is used up", async () => {
    const closed = await owner.preset({ template: 'Welcome, {{rest:words=2..4}}.' }, { protection: 'session' });
    const asked: string[] = [];
    website.onPost('/session', async (body) => {
      asked.push(body);
      return await owner.session({ preset: closed, origin: website.origin, uses: 1 });
    });
    const { page, runs, close } = await opened(body(closed, 'session-url="/session"'), policy());
    await rest(page, 'one');
    expect((await standing(page, 'one')).value).toMatch(/^Welcome, /);
    expect(await page.evaluate(() => document.querySelector<Widget>('#one')!.run())).toMatch(/^Welcome, /);
    expect(asked).toEqual(Array(2).fill(JSON.stringify({ preset: closed })));
    // The first, again with it in vain, and with the second.
    expect(new Set(runs).size).toBe(2);
    for (const bearer of runs) expect(bearer).toMatch(/^Bearer cs_/);
    await close();
  });

  it('that is forged or for another page it shows its fallback', async () => {
    const closed = await owner.preset({ template: 'Welcome, {{rest:words=2..4}}.' }, { protection: 'session' });
    const foreign = await owner.session({ preset: closed, origin: 'https://www.example.com' });
    const expires_at = new Date(Date.now() + 60_000).toISOString();
    const forged = { client_secret: `${foreign.client_secret.slice(0, -4)}AAAA`, expires_at };
    for (const session of [forged, foreign]) {
      website.onPost('/session', async () => session);
      const { page, close } = await opened(body(closed, 'session-url="/session"'), policy());
      await rest(page, 'one');
      expect((await told(page)).map(({ type }) => type)).toEqual(['maskwright-error']);
      expect((await standing(page, 'one')).fallback).toEqual({ seen: true, inert: false });
      await close();
    }
  });

  it('that the page itself gets by getSession, it runs', async () => {
    const session = await owner.session({ preset, origin: website.origin });
    const { page, runs, close } = await opened(body(preset, 'manual'));
    const text = await page.evaluate((session) => {
      const element = document.querySelector<Widget>('#one')!;
      element.getSession = async () => session;
      return element.run();
    }, session);
    expect(text).toMatch(/^Hello you, /);
    expect(runs).toEqual([`Bearer ${session.client_secret}`]);
    await close();
  });

  it('that Turnstile lets in, it runs; without it, and with a token that is none, it shows its fallback', async () => {
    const request = { template: 'Welcome, {{rest:words=2..4}}.' };
    const [open, closed] = await Promise.all(
      [TESTING_SECRET, TURNSTILE_SECRET].map((secret) =>
        owner.preset(request, { protection: 'turnstile', turnstile: { secret } }),
      ),
    );
    for (const [id, expected] of [
      [open, /^Welcome, /],
      [closed, undefined],
    ] as const) {
      const { page, close } = await opened(widget('manual').replace(preset, id));
      const text = await page.evaluate(() => document.querySelector<Widget>('#one')!.verify('a-token-of-the-visitor'));
      if (expected) expect(text).toMatch(expected);
      else {
        expect(text).toBeUndefined();
        expect((await told(page)).map(({ detail }) => detail.code)).toEqual(['visitor_not_verified']);
        expect((await standing(page, 'one')).fallback).toEqual({ seen: true, inert: false });
      }
      await close();
    }
  });

  it('a preset that wants one says so to a publishable key', async () => {
    const closed = await owner.preset({ template: 'Welcome, {{rest:words=2..4}}.' }, { protection: 'session' });
    const { page, close } = await opened(widget().replace(preset, closed));
    await rest(page, 'one');
    expect((await told(page)).map(({ detail }) => detail.code)).toEqual(['session_required']);
    await close();
  });
});

/** The widget on somebody else's website, before the whole stack. */
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { expectAccessible } from '../axe.ts';
import { expectNoSidewaysScroll, screenshot, withChromium } from '../chromium.ts';
import { type Owner, openOwner } from './owner.ts';
import { withWebsite } from './page.ts';
import { focused, partsSeen, rest, standing, told, watchWidgets } from './seen.ts';

const open = withChromium();
const website = withWebsite();
const TEXT_NODE = 3;

const RESTAURANT = {
  style: 'restaurant',
  template: '{{name:words=1..3}} is a {{kind:words=1..3}} near {{place:words=1..4}}. {{verdict:words=4..10}}.',
  temperature: 0.7,
};
let owner: Owner;
let preset: string;
let greeting: string;
let key: string;

beforeAll(async () => {
  owner = await openOwner();
  preset = await owner.preset(RESTAURANT);
  greeting = await owner.preset(
    { template: 'Hello {{var:name}}, {{rest:words=2..4}}.' },
    { variables: { name: { max_characters: 100, default: 'you' } } },
  );
  key = await owner.key(website.origin);
});

const widget = (id: string, attributes = '', fallback = 'A quiet place by the river.') =>
  `<maskwright-text id="${id}" key="${key}" preset="${preset}" ${attributes}>${fallback}</maskwright-text>`;

describe('on a page that may use it, under a strict policy', () => {
  for (const width of [1280, 360]) {
    it(`a text comes by its denoising steps, and rests as plain text, at ${width} pixels`, async () => {
      const { page, errors, close } = await open({ viewport: { width, height: 640 } });
      await watchWidgets(page);
      await page.goto(website.show({ body: `${widget('one')}<p>What stands below.</p>` }));
      await page.waitForFunction(() => document.querySelector('#one')!.shadowRoot!.querySelector('[part~=mask]'));
      await screenshot(page, `widget-denoising-${width}`);
      await rest(page, 'one');
      await focused(page, 'one');
      await screenshot(page, `widget-rest-${width}`);
      const { text, nodes, inert, fallback, value } = await standing(page, 'one');
      expect(text).toMatch(/^.+ is a .+ near .+\. .+\.$/);
      expect({ nodes, inert, value }).toEqual({ nodes: [TEXT_NODE], inert: false, value: text });
      expect(fallback).toEqual({ seen: false, inert: true });
      const steps = (await told(page)).filter(({ type }) => type === 'maskwright-step');
      expect(steps.map(({ detail }) => detail.step)).toEqual(steps.map((_, i) => i + 1));
      expect(steps.length).toBeGreaterThan(2);
      const masks = steps.map(({ detail }) => detail.masks!);
      expect(masks).toEqual([...masks].sort((a, b) => b - a));
      expect(steps.at(-1)!.detail).toMatchObject({ text, masks: 0 });
      await expectAccessible(page);
      await expectNoSidewaysScroll(page);
      expect(errors).toEqual([]);
      await close();
    });
  }

  it('the text can be selected', async () => {
    const { page, close } = await open();
    await watchWidgets(page);
    await page.goto(website.show({ body: widget('one') }));
    await rest(page, 'one');
    await page.locator('#one').click({ clickCount: 3 });
    const { text } = await standing(page, 'one');
    expect((await page.evaluate(() => String(getSelection()))).trim()).toBe(text);
    await close();
  });

  it('a script that is generated or given is text', async () => {
    const markup = await owner.preset({
      template: "<script>pwned = true</script> {{a:words=2}} <img src=x onerror='pwned=1'>",
    });
    const { page, errors, close } = await open();
    await watchWidgets(page);
    const name = '<img src=x onerror="pwned=1">{{b}}</script>';
    const one = `<maskwright-text id="one" key="${key}" preset="${markup}"></maskwright-text>`;
    const two = `<maskwright-text id="two" key="${key}" preset="${greeting}"></maskwright-text>`;
    const url = website.show({ body: one + two.replace('>', ` variables='${JSON.stringify({ name })}'>`) });
    await page.goto(url);
    await rest(page, 'one', 'two');
    expect((await standing(page, 'one')).text).toMatch(
      /^<script>pwned = true<\/script> .+ <img src=x onerror='pwned=1'>$/,
    );
    expect((await standing(page, 'two')).text).toMatch(
      /^Hello <img src=x onerror="pwned=1">\{\{b\}\}<\/script>, .+\.$/,
    );
    expect(await page.evaluate(() => 'pwned' in globalThis)).toBe(false);
    await screenshot(page, 'widget-script');
    expect(errors).toEqual([]);
    await close();
  });

  it('several share two connections, and all get their text', async () => {
    const { page, close } = await open();
    await watchWidgets(page);
    const ids = ['one', 'two', 'three', 'four', 'five'];
    await page.goto(website.show({ body: ids.map((id) => widget(id)).join('') }));
    await rest(page, ...ids);
    for (const id of ids) expect((await standing(page, id)).value).toMatch(/ is a /);
    const runs = await page.evaluate(() =>
      (performance.getEntriesByType('resource') as PerformanceResourceTiming[])
        .filter(({ name }) => name.endsWith('/runs'))
        .map(({ startTime, responseEnd }) => ({ startTime, responseEnd })),
    );
    expect(runs).toHaveLength(5);
    const atOnce = runs.map(
      (run) =>
        runs.filter(({ startTime, responseEnd }) => startTime <= run.startTime && run.startTime < responseEnd).length,
    );
    expect(Math.max(...atOnce)).toBe(2);
    await close();
  });

  it('by keyboard nothing is reached that is not seen, and what stands beside it is', async () => {
    const { page, close } = await open();
    await watchWidgets(page);
    const fallback = 'Ask <a href="#bar">at the bar</a>.';
    const body = `<a href="#before">Before</a>${widget('one', '', fallback)}<a href="#after">After</a>`;
    await page.goto(website.show({ body }));
    const reached = async () => {
      await page.keyboard.press('Tab');
      return await page.evaluate(() => document.activeElement?.textContent);
    };
    await page.waitForFunction(() => document.querySelector('#one')!.shadowRoot!.querySelector('[part~=mask]'));
    expect([await reached(), await reached()]).toEqual(['Before', 'After']);
    await rest(page, 'one');
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.locator('h1').click();
    expect([await reached(), await reached()]).toEqual(['Before', 'After']);
    await close();
  });

  it('a screen reader is told of the beginning and of the end, and of nothing between', async () => {
    const { page, close } = await open();
    await watchWidgets(page);
    await page.goto(website.show({ body: widget('one', 'manual announce-end="Fertig"') }));
    const heard = page.evaluate(async () => {
      const status = document.querySelector('#one')!.shadowRoot!.querySelector('[role=status]')!;
      const heard: string[] = [];
      const changes = new MutationObserver(() => heard.push(status.textContent!));
      changes.observe(status, { childList: true, characterData: true, subtree: true });
      await (document.querySelector('#one') as HTMLElement & { run(): Promise<string> }).run();
      await new Promise((resolve) => setTimeout(resolve));
      return heard;
    });
    expect(await heard).toEqual(['Writing a text', 'Fertig']);
    await close();
  });

  it('a form sends the text under its name', async () => {
    const { page, close } = await open();
    await watchWidgets(page);
    await page.goto(website.show({ body: `<form>${widget('one', 'name="line"')}</form>` }));
    await rest(page, 'one');
    const sent = await page.evaluate(() => new FormData(document.querySelector('form')!).get('line'));
    expect(sent).toBe((await standing(page, 'one')).text);
    await close();
  });

  it('has the parts that custom-elements.json names', async () => {
    const { page, close } = await open();
    await watchWidgets(page);
    await page.goto(website.show({ body: widget('one') }));
    await rest(page, 'one');
    expect(await partsSeen(page)).toEqual(expect.arrayContaining(['fallback', 'mask', 'text', 'token']));
    await close();
  });
});

describe('on a page that may not use it', () => {
  it('shows its fallback, says why, and costs nothing', async () => {
    // Whose other pages run nothing meanwhile.
    const other = await openOwner();
    const theirs = { key: await other.key('https://www.example.com'), preset: await other.preset(RESTAURANT) };
    const before = await other.balance();
    const { page, close } = await open();
    await watchWidgets(page);
    const body = `<maskwright-text id="one" key="${theirs.key}" preset="${theirs.preset}">Ask <a href="#bar">at the bar</a>.</maskwright-text>`;
    await page.goto(website.show({ body }));
    await rest(page, 'one');
    const { text, fallback, value, status } = await standing(page, 'one');
    expect({ text, value, status, fallback }).toEqual({
      ...{ text: '', value: '', status: '' },
      fallback: { seen: true, inert: false },
    });
    // A browser does not let a page read why, where the page is not allowed.
    expect((await told(page)).map(({ type, detail }) => [type, detail.code])).toEqual([
      ['maskwright-error', 'no_answer'],
    ]);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('at the bar');
    await focused(page, 'one');
    await screenshot(page, 'widget-fallback');
    await expectAccessible(page);
    expect(await other.balance()).toBe(before);
    await close();
  });

  it.each([
    [
      'a preset that is not there',
      () => widget('one').replace(preset, 'preset_000000000000000000000000'),
      'unknown_preset',
    ],
    ['a key that is none', () => widget('one').replace(key, 'pk_live_nonsense'), 'no_answer'],
    ['a variable that is not declared', () => widget('one', `variables='{"x": "y"}'`), 'invalid_request'],
    ['variables that are no JSON', () => widget('one', `variables="{"`), 'failed'],
  ])('shows its fallback for %s', async (_what, body, code) => {
    const { page, close } = await open();
    await watchWidgets(page);
    await page.goto(website.show({ body: body() }));
    await rest(page, 'one');
    expect((await told(page)).map(({ detail }) => detail.code)).toEqual([code]);
    expect((await standing(page, 'one')).fallback).toEqual({ seen: true, inert: false });
    await close();
  });
});

describe('the module', () => {
  const scriptOf = (path: string, integrity: string) =>
    `<script type="module" src="${inject('url')}${path}" integrity="${integrity}" crossorigin="anonymous"></script>`;
  const latest = async () => {
    const response = await fetch(`${inject('url')}/embed/versions.json`);
    return ((await response.json()) as { versions: readonly { path: string; integrity: string }[] }).versions[0];
  };

  it('of an exact version is for good, and runs by its hash', async () => {
    const { path, integrity } = await latest();
    const { headers } = await fetch(`${inject('url')}${path}`);
    expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('content-type')).toMatch(/^text\/javascript/);
    const { page, errors, close } = await open();
    await watchWidgets(page);
    await page.goto(website.show({ body: widget('one'), scripts: scriptOf(path, integrity) }));
    await rest(page, 'one');
    expect((await standing(page, 'one')).value).not.toBe('');
    expect(errors).toEqual([]);
    await close();
  });

  it('with another hash does not run: the fallback stands', async () => {
    const { path, integrity } = await latest();
    const { page, errors, close } = await open();
    await page.goto(website.show({ body: widget('one'), scripts: scriptOf(path, `${integrity.slice(0, -3)}AAA`) }));
    expect(errors.join()).toContain('integrity');
    expect(await page.evaluate(() => customElements.get('maskwright-text'))).toBeUndefined();
    expect(await page.locator('#one').innerText()).toBe('A quiet place by the river.');
    await close();
  });

  it('of version 1 moves', async () => {
    const { path } = await latest();
    const moving = await fetch(`${inject('url')}/embed/v1/widget.js`);
    expect(moving.headers.get('cache-control')).toMatch(/^public, max-age=300/);
    expect(moving.headers.get('access-control-allow-origin')).toBe('*');
    expect(await moving.text()).toBe(await (await fetch(`${inject('url')}${path}`)).text());
  });

  it('leaves the first copy on a page in its place', async () => {
    const { path } = await latest();
    const copies = ['/embed/v1/widget.js', path].map(
      (p) => `<script type="module" src="${inject('url')}${p}"></script>`,
    );
    const { page, errors, close } = await open();
    await watchWidgets(page);
    await page.goto(website.show({ body: widget('one'), scripts: copies.join('') }));
    await rest(page, 'one');
    expect(errors).toEqual([]);
    await close();
  });
});

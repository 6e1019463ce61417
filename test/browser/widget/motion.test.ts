/** Nothing jumps as a text arrives, and nothing moves for who wants no motion. */
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { screenshot, withChromium } from '../chromium.ts';
import { type Owner, openOwner } from './owner.ts';
import { withWebsite } from './page.ts';
import { partsSeen, rest, shifted, standing, told, watchWidgets } from './seen.ts';
import { withSlowNetwork } from './slow-network.ts';

const open = withChromium();
const website = withWebsite();
const network = withSlowNetwork();

let owner: Owner;
let preset: string;
let key: string;

beforeAll(async () => {
  owner = await openOwner();
  const request = { style: 'restaurant', prompt: 'a coffee shop', length: { unit: 'characters', max: 110 } };
  // Of one kept text: from the second time on it is there at once, with all its steps.
  preset = await owner.preset(request, { variants: 1 });
  key = await owner.key(website.origin);
});

const FALLBACK =
  'A quiet place by the river, open all day. Children are welcome, and so are their parents, their friends, and all of their animals.';
const widget = (attributes = '', fallback = FALLBACK) =>
  `<maskwright-text id="one" key="${key}" preset="${preset}" ${attributes}>${fallback}</maskwright-text><p id="below">Below.</p>`;

const slowPolicy = () =>
  `default-src 'none'; script-src ${inject('url')}; connect-src ${network.url}; style-src 'self'`;

const topOf = (page: Page, id: string) =>
  page.evaluate((id) => document.getElementById(id)!.getBoundingClientRect().top, id);

/** Where each token stands that is there, at each step; and where its characters stand at the end. */
async function watchTokens(page: Page): Promise<void> {
  await page.addInitScript(() => {
    type Standing = { readonly start: number; readonly text: string; readonly left: number; readonly top: number };
    const seen: Standing[] = [];
    Object.assign(globalThis, { standingTokens: seen });
    addEventListener('maskwright-step', (event) => {
      const text = (event.target as HTMLElement).shadowRoot!.querySelector('[part=text]')!;
      let start = 0;
      for (const span of text.children) {
        const content = span.textContent!;
        if (span.part.contains('token') && content.trim() !== '') {
          const range = document.createRange();
          range.setStart(span.firstChild!, content.length - content.trimStart().length);
          range.setEnd(span.firstChild!, content.length);
          const { left, top } = range.getClientRects()[0];
          seen.push({ start: start + range.startOffset, text: content.trim(), left, top });
        }
        start += content.length;
      }
    });
  });
}

/** How far tokens stood from where their characters stand at rest, at most, in pixels. */
async function farthest(page: Page): Promise<{ readonly tokens: number; readonly pixels: number }> {
  return await page.evaluate(() => {
    const node = document.querySelector('#one')!.shadowRoot!.querySelector('[part=text]')!.firstChild!;
    const { standingTokens: seen } = globalThis as unknown as {
      standingTokens: readonly { start: number; text: string; left: number; top: number }[];
    };
    const moved = seen.map(({ start, text, left, top }) => {
      const range = document.createRange();
      range.setStart(node, start);
      range.setEnd(node, start + text.length);
      const [rect] = range.getClientRects();
      return Math.max(Math.abs(rect.left - left), Math.abs(rect.top - top));
    });
    return { tokens: seen.length, pixels: Math.max(...moved) };
  });
}

describe('as a text arrives', () => {
  for (const width of [1280, 360]) {
    it(`nothing around it moves, and no token that stands, at ${width} pixels`, async () => {
      const { page, close } = await open({ viewport: { width, height: 640 } });
      await watchWidgets(page);
      await watchTokens(page);
      const url = website.show({ body: widget() });
      await page.goto(url);
      await rest(page, 'one');
      await page.goto(url);
      const before = await topOf(page, 'below');
      await rest(page, 'one');
      const { tokens, pixels } = await farthest(page);
      expect(tokens).toBeGreaterThan(10);
      expect(pixels).toBeLessThan(0.5);
      expect(await topOf(page, 'below')).toBe(before);
      expect(await shifted(page)).toBe(0);
      await close();
    });
  }

  it('over a slow network, each step is seen as it comes, and what stands below does not move before the end', async () => {
    network.gapMs = 150;
    const { page, close } = await open({ viewport: { width: 480, height: 640 } });
    await watchWidgets(page);
    const body = widget(`api="${network.url}"`, '');
    await page.goto(website.show({ body, policy: slowPolicy() }));
    await page.waitForFunction(() => document.querySelector('#one')!.shadowRoot!.querySelector('[part~=noise]'));
    const before = await topOf(page, 'below');
    await page.waitForFunction(() => window.watching.told.length > 3);
    await screenshot(page, 'widget-slow');
    expect(await topOf(page, 'below')).toBe(before);
    await rest(page, 'one');
    network.gapMs = 0;
    const steps = (await told(page)).filter(({ type }) => type === 'maskwright-step');
    const gaps = steps.slice(1).map(({ at }, i) => at - steps[i].at);
    // As they came, not all at once at the end.
    expect(gaps.filter((gap) => gap > 100).length).toBeGreaterThan(gaps.length / 2);
    expect(await partsSeen(page)).toEqual(['fallback', 'mask', 'noise', 'text', 'token']);
    await close();
  });

  it('where the connection breaks, the fallback comes back', async () => {
    network.gapMs = 30;
    network.cutBehind = 4;
    const { page, close } = await open();
    await watchWidgets(page);
    await page.goto(website.show({ body: widget(`api="${network.url}"`), policy: slowPolicy() }));
    await rest(page, 'one');
    network.gapMs = 0;
    network.cutBehind = Number.POSITIVE_INFINITY;
    expect((await told(page)).at(-1)).toMatchObject({ type: 'maskwright-error', detail: { code: 'no_answer' } });
    const { text, fallback } = await standing(page, 'one');
    expect({ text, fallback }).toEqual({ text: '', fallback: { seen: true, inert: false } });
    await close();
  });
});

describe('who wants no motion', () => {
  it('sees the finished text at once', async () => {
    const { page, close } = await open({ reducedMotion: 'reduce' });
    await watchWidgets(page);
    await page.goto(website.show({ body: widget() }));
    await rest(page, 'one');
    expect(await partsSeen(page)).toEqual(['fallback', 'text']);
    expect((await standing(page, 'one')).text).not.toBe('');
    const moving = await page.evaluate(
      () =>
        document.querySelector('#one')!.shadowRoot!.querySelector('[part=text]')!.getAnimations({ subtree: true })
          .length,
    );
    expect(moving).toBe(0);
    await close();
  });
});

describe('on a page from right to left', () => {
  for (const width of [1280, 360]) {
    it(`a Hebrew text begins at the right, at ${width} pixels`, async () => {
      const hebrew = await owner.preset({
        style: 'restaurant',
        template: 'ברוכים הבאים! {{name:words=1..3}} is a {{kind:words=1..3}}.',
      });
      const { page, close } = await open({ viewport: { width, height: 640 } });
      await watchWidgets(page);
      await page.goto(website.show({ body: widget().replace(preset, hebrew), direction: 'rtl' }));
      await page.waitForFunction(() => document.querySelector('#one')!.shadowRoot!.querySelector('[part~=mask]'));
      await screenshot(page, `widget-rtl-denoising-${width}`);
      await rest(page, 'one');
      await screenshot(page, `widget-rtl-${width}`);
      const { first, right } = await page.evaluate(() => {
        const text = document.querySelector('#one')!.shadowRoot!.querySelector('[part=text]')!;
        const range = document.createRange();
        range.setStart(text.firstChild!, 0);
        range.setEnd(text.firstChild!, 1);
        return { first: range.getBoundingClientRect().right, right: text.getBoundingClientRect().right };
      });
      expect(Math.abs(first - right)).toBeLessThan(2);
      await close();
    });
  }
});

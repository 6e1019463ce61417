import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { expectAccessible } from './axe.ts';
import { expectNoSidewaysScroll, screenshot, withChromium } from './chromium.ts';

const open = withChromium();
const SITE = join(import.meta.dirname, '..', '..', '.site');

/** Where the pages of the site stand: the stack has built it before the tests of this file are collected. */
const pages = readdirSync(SITE, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('index.html'))
  .map((file) => `/${dirname(file)}/`.replace('/./', '/'))
  .sort();

describe('every page of the site', () => {
  it('is found', () => {
    expect(pages).toEqual(expect.arrayContaining(['/', '/dashboard/', '/docs/', '/docs/api/', '/reference/']));
  });

  it.for(pages)('%s: no error, nothing for axe, nothing too wide, on a desk and on a phone', async (path) => {
    const { page, errors, close } = await open();
    const response = await page.goto(`${inject('url')}${path}`);
    expect(response?.status()).toBe(200);
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 800 });
      await expectAccessible(page);
      await expectNoSidewaysScroll(page);
      await screenshot(page, `site${path.replaceAll('/', '-')}${width}`);
    }
    expect(errors).toEqual([]);
    await close();
  });

  it.for(['/', '/docs/', '/reference/', '/dashboard/'])('%s: nothing for axe by night', async (path) => {
    const { page, close } = await open({ colorScheme: 'dark' });
    await page.goto(`${inject('url')}${path}`);
    await expectAccessible(page);
    await screenshot(page, `site${path.replaceAll('/', '-')}dark`);
    await close();
  });
});

describe('a page to be read', () => {
  it('has its contents folded on a phone, opened by the keyboard, and at its side on a desk', async () => {
    const { page, close } = await open({ viewport: { width: 360, height: 800 } });
    await page.goto(`${inject('url')}/docs/api/`);
    const billing = page.getByRole('navigation', { name: 'Contents' }).getByRole('link', { name: 'Billing' });
    expect(await billing.isVisible()).toBe(false);
    await page.locator('.contents summary').focus();
    await page.keyboard.press('Enter');
    expect(await billing.isVisible()).toBe(true);
    await billing.click();
    expect(new URL(page.url()).pathname).toBe('/docs/billing/');
    await page.setViewportSize({ width: 1280, height: 800 });
    expect(await page.getByRole('link', { name: 'Requests and answers' }).first().isVisible()).toBe(true);
    await close();
  });

  it('has a line of code too long for a phone scroll in its own box, by the keyboard too', async () => {
    const { page, close } = await open({ viewport: { width: 360, height: 800 } });
    await page.goto(`${inject('url')}/docs/`);
    const code = page.locator('pre').first();
    await code.focus();
    for (let press = 0; press < 5; press++) await page.keyboard.press('ArrowRight');
    await expect.poll(() => code.evaluate((box) => box.scrollLeft)).toBeGreaterThan(0);
    await close();
  });
});

describe('what is not there', () => {
  it('is a page for who follows a link', async () => {
    const { page, close } = await open();
    const response = await page.goto(`${inject('url')}/docs/nothing/`);
    expect(response?.status()).toBe(404);
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('There is no page here');
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await close();
  });

  it.for(['/v1/nothing', '/nothing'])('%s is a problem for a program', async (path) => {
    const response = await fetch(`${inject('url')}${path}`);
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ error: { code: 'not_found' } });
  });

  it('is a problem below /v1 for who follows a link, too', async () => {
    const { page, close } = await open();
    const response = await page.goto(`${inject('url')}/v1/nothing`);
    expect(response?.status()).toBe(404);
    expect(await response?.headerValue('content-type')).toBe('application/problem+json');
    await close();
  });
});

describe('the policy', () => {
  it.for([
    ['/', "script-src 'self'", true],
    ['/dashboard/', "script-src 'self'", true],
    ['/docs/', 'script-src', false],
    ['/docs/api/', 'script-src', false],
    ['/reference/', 'script-src', false],
  ] as const)('of %s: %s is %s', async ([path, words, there]) => {
    const policy = (await fetch(`${inject('url')}${path}`)).headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(policy.includes(words)).toBe(there);
    // Two rules for one path are one policy, not two.
    expect(policy.match(/default-src/g)).toHaveLength(1);
  });
});

import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { expectAccessible } from './axe.ts';
import { expectNoSidewaysScroll, screenshot, withChromium } from './chromium.ts';

const open = withChromium();
const LOOKED_AT = ['/', '/dashboard/', '/docs/', '/docs/evaluation/'];
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

  it.for(pages)('%s: no error, nothing for axe, nothing too wide', async (path) => {
    const { page, errors, close } = await open();
    const response = await page.goto(`${inject('url')}${path}`);
    expect(response?.status()).toBe(200);
    const look = async (width: number) => {
      await expectNoSidewaysScroll(page);
      // Pages to be read are all alike, and long: of those, some are enough to look at.
      if (LOOKED_AT.includes(path)) await screenshot(page, `site${path.replaceAll('/', '-')}${width}`);
    };
    await expectAccessible(page);
    await look(1280);
    await page.setViewportSize({ width: 360, height: 800 });
    if (!path.startsWith('/docs/') && path !== '/reference/') await expectAccessible(page);
    await look(360);
    expect(errors).toEqual([]);
    await close();
  });

  it.for(['/', '/dashboard/', '/docs/'])('%s: nothing for axe by night', async (path) => {
    const { page, close } = await open({ colorScheme: 'dark' });
    await page.goto(`${inject('url')}${path}`);
    await expectAccessible(page);
    await screenshot(page, `site${path.replaceAll('/', '-')}dark`);
    await close();
  });
});

describe('a page to be read', () => {
  it('has its contents behind a link on a phone, gone again once one is chosen, and at its side on a desk', async () => {
    const { page, close } = await open({ viewport: { width: 360, height: 800 } });
    await page.goto(`${inject('url')}/docs/api/`);
    const billing = page.getByRole('navigation', { name: 'Contents' }).getByRole('link', { name: 'Billing' });
    expect(await billing.isVisible()).toBe(false);
    await page.getByRole('link', { name: 'Contents' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => billing.isVisible()).toBe(true);
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await screenshot(page, 'site-contents-360');
    await page.getByRole('navigation', { name: 'Contents' }).getByRole('link', { name: 'Problems' }).click();
    await expect.poll(() => billing.isVisible()).toBe(false);
    await page.setViewportSize({ width: 1280, height: 800 });
    await billing.click();
    await expect.poll(() => new URL(page.url()).pathname).toBe('/docs/billing/');
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
    expect(await response?.headerValue('content-security-policy')).toContain("style-src 'self'");
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await close();
  });

  // The second: a client of OpenAI's whose base URL lacks the /v1.
  it.for([
    ['GET', '/v1/nothing'],
    ['POST', '/chat/completions'],
    ['GET', '/nothing'],
  ] as const)('%s %s is a problem for a program', async ([method, path]) => {
    const response = await fetch(`${inject('url')}${path}`, { method });
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

describe('what is cached', () => {
  it('for good is what is named for what is in it; pages are asked for again', async () => {
    const kept = async (path: string) => (await fetch(`${inject('url')}${path}`)).headers.get('cache-control');
    const part = readdirSync(join(SITE, 'assets', 'parts')).find((file) => file.endsWith('.js'));
    expect(await kept(`/assets/parts/${part}`)).toContain('immutable');
    for (const path of ['/', '/assets/look.css', '/docs/']) expect(await kept(path)).toContain('must-revalidate');
  });
});

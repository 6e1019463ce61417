/** The dashboard from the first key to a paid request to the chart, and what becomes of the key. */
import type { Page } from 'playwright-core';
import { describe, expect, inject, it } from 'vitest';
import { makeKey } from '../../shared/contract/key.ts';
import { openAccount } from './account.ts';
import { expectAccessible } from './axe.ts';
import { expectNoSidewaysScroll, screenshot, withChromium } from './chromium.ts';
import { DASHBOARD, openPart, refreshUntil, settled, signIn } from './dashboard.ts';

const open = withChromium();
const GRANT = 5_000_000;

/** Columns of the chart: how many of its pixels have the colour of what was computed. */
function paintedPixels(page: Page): Promise<number> {
  return page.locator('.chart canvas').evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    const context = canvas.getContext('2d')!;
    const sample = document.createElement('canvas').getContext('2d')!;
    sample.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--series-1').trim();
    sample.fillRect(0, 0, 1, 1);
    const [red, green, blue] = sample.getImageData(0, 0, 1, 1).data;
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i] === red && data[i + 1] === green && data[i + 2] === blue) count++;
    }
    return count;
  });
}

describe('the dashboard', () => {
  it('leads from the first key to a paid text, its line and its column', async () => {
    const { live } = await openAccount(GRANT);
    const { page, errors, close } = await open();
    await signIn(page, live);
    const available = page.locator('dl.stats > div', { hasText: 'Available' }).locator('dd');
    await expect.poll(() => available.textContent()).toBe('$5.00');

    await openPart(page, 'Usage');
    await page.getByText('No requests in these days.').first().waitFor();
    expect(await paintedPixels(page)).toBe(0);

    await openPart(page, 'Overview');
    await page.getByLabel('Prompt').fill('A warm blanket');
    await page.getByRole('button', { name: 'Generate' }).click();
    const told = await page.getByText(/^\s*\$0\.\d+ for \d+ positions in \d+ denoising steps/).textContent();
    const cost = /\$0\.\d+/.exec(told ?? '')![0];
    const rest = GRANT - Math.round(Number(cost.slice(1)) * 1_000_000);
    await expect.poll(() => available.textContent()).toBe(`$${rest / 1_000_000}`);
    await screenshot(page, 'dashboard-overview');

    await openPart(page, 'Usage');
    const today = page
      .getByRole('region', { name: 'Usage by day' })
      .getByRole('row', { name: new Date().toISOString().slice(0, 10) });
    await refreshUntil(page, () => today.isVisible());
    expect((await today.getByRole('cell').allTextContents()).slice(0, 3)).toEqual([cost, '1', '1']);
    await expect.poll(() => paintedPixels(page)).toBeGreaterThan(500);
    await expect(page.getByRole('img', { name: `${cost} in all` }).count()).resolves.toBe(1);
    await page
      .getByRole('region', { name: 'Usage by key' })
      .getByRole('row', { name: 'first live key' })
      .getByText(cost)
      .waitFor();
    await screenshot(page, 'dashboard-usage');

    await openPart(page, 'Requests');
    const line = page.getByRole('region', { name: 'Latest requests' }).getByRole('row').nth(1);
    await line.getByText('computed').waitFor();
    await line.getByText(cost).waitFor();
    expect(errors).toEqual([]);
    await close();
  });

  it('keeps the key in memory only, and lets go of it', async () => {
    const { page, close } = await open();
    const key = inject('key');
    await page.goto(`${inject('url')}${DASHBOARD}#key=${key}`);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(page.url()).toBe(`${inject('url')}${DASHBOARD}`);
    await expect(kept(page)).resolves.toEqual({ local: 0, session: 0, cookie: '', databases: 0 });
    expect(await page.content()).not.toContain(key);

    await page.reload();
    await page.getByLabel('Secret key').focus();
    await page.keyboard.insertText(key);
    await page.keyboard.press('Enter');
    for (const part of ['Usage', 'Keys', 'Overview']) await openPart(page, part);
    await settled(page);
    expect(await heapHas(page, key)).toBe(true);
    await page.getByRole('button', { name: 'Sign out' }).click();
    expect(await page.getByLabel('Secret key').inputValue()).toBe('');
    expect(await heapHas(page, key)).toBe(false);

    // Also pasted into the address of the page that is open.
    await page.evaluate((given) => location.assign(`#key=${given}`), key);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(page.url()).toBe(`${inject('url')}${DASHBOARD}`);
    await close();
  });

  it('says what is wrong with a key that does not sign in', async () => {
    const { page, close } = await open();
    await page.goto(`${inject('url')}${DASHBOARD}`);
    const enter = async (key: string, told: RegExp) => {
      await page.getByLabel('Secret key').fill(key);
      await page.keyboard.press('Enter');
      await page.getByRole('alert').filter({ hasText: told }).waitFor();
    };
    const key = inject('key');
    await enter('hello', /begins with sk_live_ or sk_test_/);
    await enter(`${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`, /checksum/);
    await enter(makeKey({ kind: 'publishable', mode: 'live' }), /publishable key/);
    await enter(makeKey({ kind: 'secret', mode: 'live' }), /invalid_key[\s\S]*Request: req_/);
    await expectAccessible(page);
    await close();
  });

  it('says that a deployment without Stripe takes no payments', async () => {
    const { page, close } = await open();
    await signIn(page, inject('key'));
    await page.getByLabel('Amount in dollars').fill('25.50');
    await page.getByRole('button', { name: 'Add credit' }).click();
    const problem = page.getByRole('alert');
    await problem.getByText('not_configured').waitFor();
    expect(await problem.textContent()).toMatch(/takes no payments[\s\S]*add credit by hand[\s\S]*req_/);
    await close();
  });

  it('leads to the page to pay on in another tab, and stays', async () => {
    const { page, close } = await open();
    // Stripe is not here: what the edge makes of its answers is tested there.
    const url = 'https://checkout.stripe.com/c/pay/cs_test_1';
    let asked: unknown;
    await page.route('**/v1/top-ups', (route) => {
      asked = route.request().postDataJSON();
      return route.fulfill({ status: 201, json: { object: 'top_up', url, amount_micro_dollars: 25_500_000 } });
    });
    await signIn(page, inject('key'));
    await page.getByLabel('Amount in dollars').fill('25.50');
    await page.getByRole('button', { name: 'Add credit' }).click();
    const link = page.getByRole('link', { name: 'Pay $25.50 on Stripe' });
    await expect(link.getAttribute('href')).resolves.toBe(url);
    await expect(link.getAttribute('target')).resolves.toBe('_blank');
    const back = `${inject('url')}${DASHBOARD}`;
    expect(asked).toEqual({
      ...{ amount_micro_dollars: 25_500_000, success_url: `${back}#paid`, cancel_url: `${back}#not-paid` },
    });
    await page.goto(`${back}#paid`);
    await page.reload();
    await page.getByText('The payment is made.').waitFor();
    await close();
  });

  it('shows the numbers of the other mode to a live key', async () => {
    const { live } = await openAccount(GRANT);
    const { page, close } = await open();
    await signIn(page, live);
    await page.getByRole('button', { name: 'Test', exact: true }).click();
    await page.getByText('A live key tops up the live balance.').waitFor();
    await page.getByRole('button', { name: 'Live', exact: true }).click();
    await page.getByRole('button', { name: 'Add credit' }).waitFor();
    await close();
  });

  for (const [width, colorScheme] of [
    [1280, 'light'],
    [360, 'dark'],
  ] as const) {
    it(`has nothing for axe and nothing too wide, at ${width} pixels, ${colorScheme}`, async () => {
      const { live } = await openAccount(GRANT);
      const { page, errors, close } = await open({ viewport: { width, height: 800 }, colorScheme });
      await signIn(page, live);
      for (const part of ['Overview', 'Usage', 'Requests', 'Keys', 'Presets', 'Audit log']) {
        await openPart(page, part);
        await settled(page);
        for (const form of await page.locator('details > summary').all()) await form.click();
        await expectAccessible(page);
        await expectNoSidewaysScroll(page);
        await screenshot(page, `dashboard-${part.toLowerCase().replace(' ', '-')}-${width}-${colorScheme}`);
      }
      expect(errors).toEqual([]);
      await close();
    });
  }
});

/** All that a page can leave on a machine. */
function kept(page: Page) {
  return page.evaluate(async () => ({
    local: localStorage.length,
    session: sessionStorage.length,
    cookie: document.cookie,
    databases: (await indexedDB.databases()).length,
  }));
}

/** Whether some string in the memory of the page's scripts, as far as anything still holds it, has this in it. */
async function heapHas(page: Page, secret: string): Promise<boolean> {
  const session = await page.context().newCDPSession(page);
  const chunks: string[] = [];
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => chunks.push(chunk));
  await session.send('HeapProfiler.collectGarbage');
  await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  await session.detach();
  return chunks.join('').includes(secret);
}

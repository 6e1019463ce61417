/** The playground in a real browser, before the real stack. */
import { execFileSync } from 'node:child_process';
import type { Page } from 'playwright-core';
import { describe, expect, inject, it } from 'vitest';
import { expectAccessible } from './axe.ts';
import { expectNoSidewaysScroll, screenshot } from './chromium.ts';
import { example, generate, textOf, withPlayground } from './playground.ts';

const { open, openPlayground } = withPlayground();

/** What a line for a shell prints, with the key where it says that it should be. */
const run = (line: string) =>
  execFileSync('sh', ['-c', line], { encoding: 'utf8', env: { ...process.env, KEY: inject('key') } });

const masked = (page: Page) => page.locator('.tile.masked').count();

describe('the playground', () => {
  it('takes the key out of its address, and makes a text step by step', async () => {
    const { page, errors, close } = await openPlayground();
    expect(page.url()).toBe(`${inject('url')}/`);
    await generate(page);
    const text = await textOf(page);
    expect(text).toMatch(/^.+ is a (café|pub|bakery|coffee shop) near .+\. .+\.$/);
    expect(page.url()).toContain('#request=');
    expect(page.url()).not.toContain('sk_test');
    const report = page.getByRole('region', { name: 'Report' });
    await expect.poll(() => report.getByText('held', { exact: true }).count()).toBe(5);
    expect(await report.textContent()).toMatch(/Cost\s*\$0\.0000\d\d/);
    expect(await report.textContent()).toMatch(/Seed\s*7/);
    await expectAccessible(page);
    await screenshot(page, 'playground-done');
    expect(errors).toEqual([]);
    await close();
  });

  it('shows any step again, by keyboard', async () => {
    const { page, close } = await openPlayground();
    await generate(page);
    const text = await textOf(page);
    const slider = page.getByRole('slider', { name: 'Step' });
    expect(await masked(page)).toBe(0);
    await slider.press('ArrowLeft');
    const last = await masked(page);
    expect(last).toBeGreaterThan(0);
    await slider.press('Home');
    expect(await masked(page)).toBeGreaterThan(last);
    expect(await slider.getAttribute('aria-valuetext')).toMatch(/^Step 0 of \d+: (\d+) of \d+ masked\. /);
    await slider.press('End');
    expect(await slider.getAttribute('aria-valuetext')).toContain(text);
    await close();
  });

  it('says in a table what the heat map shows', async () => {
    const { page, close } = await openPlayground();
    await example(page, 'Second thoughts');
    await generate(page);
    await textOf(page);
    await page.getByText('The steps as a table').click();
    const table = page.getByRole('region', { name: 'The steps as a table' });
    const steps = Number(await page.getByRole('slider', { name: 'Step' }).getAttribute('max'));
    expect(await table.locator('tbody tr').count()).toBe(steps);
    // Somewhere a token was masked again, and there the canvas and the table say so.
    const again = await table
      .locator('tbody tr')
      .evaluateAll((rows) => rows.findIndex((row) => row.children[2].textContent !== ''));
    expect(again).toBeGreaterThanOrEqual(0);
    await page.getByRole('slider', { name: 'Step' }).fill(String(again + 1));
    expect(await page.locator('.tile.taken-back').count()).toBeGreaterThan(0);
    await page.getByRole('img', { name: /^Heat map, \d+ positions by \d+ steps/ }).click({ position: { x: 20, y: 2 } });
    expect(await page.getByRole('slider', { name: 'Step' }).inputValue()).toBe('0');
    await screenshot(page, 'playground-second-thoughts');
    await close();
  });

  it('shows which constraints are in the way of each other, and where they are', async () => {
    const { page, errors, close } = await openPlayground();
    await example(page, 'A refusal');
    await generate(page);
    const refusal = page.getByRole('alert');
    await refusal.getByRole('heading', { name: 'No text can be all of this' }).waitFor();
    expect(await refusal.textContent()).toContain('at least 27 characters are needed');
    await refusal.getByRole('button', { name: 'Must appear: “free delivery on all orders”' }).click();
    expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).value)).toBe(
      'free delivery on all orders',
    );
    expect(await page.locator('fieldset.flagged').count()).toBe(2);
    await expectAccessible(page);
    await screenshot(page, 'playground-refusal');
    // What was in the way is changed, and the text comes.
    await refusal.getByRole('button', { name: 'Length: at most 20 characters' }).click();
    await page.getByRole('group', { name: 'Length 1' }).getByLabel('At most').fill('60');
    await generate(page);
    const text = await textOf(page);
    expect(text).toContain('free delivery on all orders');
    expect(text.length).toBeLessThanOrEqual(60);
    expect(await refusal.textContent()).toBe('');
    // The browser itself says that an answer was 422.
    expect(errors.filter((error) => !error.includes('422'))).toEqual([]);
    await close();
  });

  it('names the field that is wrong, before and after asking', async () => {
    const { page, close } = await openPlayground();
    await page.getByLabel('Text with holes').fill('Dear {{name');
    expect(await page.getByText("'{{' is never closed by '}}'").count()).toBeGreaterThan(0);
    await page.getByLabel('Text with holes').fill('Dear {{name:words=1}}, thanks.');
    expect(await page.locator('details.hole').count()).toBe(1);
    await page.locator('summary').filter({ hasText: 'Pattern' }).click();
    await page.getByLabel('Regular expression').fill('(?=a)b');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('alert').getByRole('button', { name: 'Pattern' }).click();
    expect(await page.getByLabel('Regular expression').getAttribute('aria-invalid')).toBe('true');
    await close();
  });

  it('gives the request away as a line that runs', async () => {
    const { page, close } = await openPlayground({ permissions: ['clipboard-read', 'clipboard-write'] });
    await example(page, 'Masked quote');
    await page.getByRole('button', { name: 'Copy curl' }).click();
    await page.getByRole('status').getByText('Copied: curl.').waitFor({ state: 'attached' });
    const line = await page.evaluate(() => navigator.clipboard.readText());
    expect(line).not.toContain('sk_test');
    expect(JSON.parse(run(line)).text).toMatch(/^“To be, or not to [a-z]+: that is the [a-z]+\.”$/);
    await page.getByRole('button', { name: 'HTML' }).click();
    // The preset is saved as the page says, without what belongs to one answer.
    await page.getByRole('button', { name: 'Copy preset' }).click();
    await page.getByRole('status').getByText('Copied: preset.').waitFor({ state: 'attached' });
    const preset = JSON.parse(run(await page.evaluate(() => navigator.clipboard.readText())));
    expect(preset).toMatchObject({ object: 'preset', request: { template: expect.stringContaining('{{verb}}') } });
    expect(await page.locator('#snippet-html').textContent()).toContain(
      '<maskwright-text key="pk_…" preset="preset_…">',
    );
    await close();
  });

  it('opens a link with the request of who shared it, and without his key', async () => {
    const { page, close } = await openPlayground();
    await page.getByLabel('Prompt').fill('tea & “cake” #1');
    await page.getByRole('button', { name: 'Link' }).click();
    const link = (await page.locator('#snippet-link').textContent())!;
    await close();
    const other = await open();
    await other.page.goto(link);
    expect(await other.page.getByLabel('Prompt').inputValue()).toBe('tea & “cake” #1');
    expect(await other.page.getByLabel('API key').inputValue()).toBe('');
    await generate(other.page);
    expect(await other.page.evaluate(() => document.activeElement?.id)).toBe('key');
    await other.page.getByText('A key is needed.').waitFor();
    await other.close();
  });

  it('shows generated markup as the text that it is', async () => {
    const request = { template: '<script>alert(1)</script><img src=x onerror=alert(2)> {{word:words=1}}', seed: 1 };
    const { page, errors, close } = await openPlayground({}, `&request=${encodeURIComponent(JSON.stringify(request))}`);
    await generate(page);
    expect(await textOf(page)).toMatch(/^<script>alert\(1\)<\/script><img src=x onerror=alert\(2\)> \S+$/);
    expect(await page.locator('main script, main img[src]').count()).toBe(0);
    expect(errors).toEqual([]);
    await close();
  });

  it('stops where it is told to', async () => {
    const request = { style: 'story', length: { unit: 'tokens', exact: 200 }, diffusion: { effort: 'best' } };
    const { page, errors, close } = await openPlayground({}, `&request=${encodeURIComponent(JSON.stringify(request))}`);
    await generate(page);
    await page.locator('.tile.kept').first().waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped.', { exact: true }).first().waitFor();
    expect(await masked(page)).toBeGreaterThan(0);
    expect(errors).toEqual([]);
    await close();
  });

  it('says when a link has no request in it that can be read', async () => {
    const { page, close } = await openPlayground({}, '&request=%7B%22prompt');
    await page.getByRole('alert').getByText('The request in this link cannot be read').waitFor();
    await close();
  });

  it('says when a key does not open anything', async () => {
    const { page, close } = await open();
    await page.goto(`${inject('url')}/`);
    await page.getByLabel('API key').fill('sk_test_none');
    await page.getByLabel('API key').blur();
    await expect.poll(() => page.getByLabel('API key').getAttribute('aria-invalid')).toBe('true');
    await close();
  });
});

describe('as the text arrives', () => {
  it('a first word stands within 300 ms of the first step', async () => {
    const { page, close } = await open();
    await page.addInitScript(() => {
      const times: { step?: number; word?: number } = {};
      Object.assign(globalThis, { times });
      const send = globalThis.fetch;
      globalThis.fetch = async (...call) => {
        const response = await send(...call);
        const seen = new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            if (new TextDecoder().decode(chunk).includes('event: step')) times.step ??= performance.now();
            controller.enqueue(chunk);
          },
        });
        return new Response(response.body?.pipeThrough(seen), response);
      };
      new MutationObserver(() => {
        if (document.querySelector('.tile.kept')) times.word ??= performance.now();
      }).observe(document, { subtree: true, childList: true, attributes: true });
    });
    await page.goto(`${inject('url')}/#key=${inject('key')}`);
    await generate(page);
    await textOf(page);
    const { step, word } = await page.evaluate(
      () => (globalThis as unknown as { times: { step: number; word: number } }).times,
    );
    expect(word - step).toBeGreaterThanOrEqual(0);
    expect(word - step).toBeLessThan(300);
    await close();
  });

  for (const width of [1280, 360]) {
    it(`nothing jumps in a window of ${width} pixels`, async () => {
      const { page, close } = await openPlayground({ viewport: { width, height: 800 } });
      // The styles of the model have arrived, and with them what the page has to say before anything is asked for.
      await page.getByLabel('Style', { exact: true }).locator('option[value="poem"]').waitFor({ state: 'attached' });
      await generate(page);
      // What is asked for by hand may move what is on the page; what arrives later may not.
      await page.evaluate(async () => {
        // Twice: the first is called before the frame that shows what the press did is laid out.
        await new Promise(requestAnimationFrame);
        await new Promise(requestAnimationFrame);
        const shifts: number[] = [];
        Object.assign(globalThis, { shifts });
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) shifts.push((entry as PerformanceEntry & { value: number }).value);
        }).observe({ type: 'layout-shift' });
      });
      await page.locator('.tile.kept').first().waitFor();
      await screenshot(page, `playground-arriving-${width}`, 'seen');
      await textOf(page);
      // And once more over what is there.
      await generate(page);
      await page.getByText('Denoising …').waitFor();
      await textOf(page);
      const shifts = await page.evaluate(() => (globalThis as unknown as { shifts: number[] }).shifts);
      // Digits may change their width by a fraction of a pixel.
      expect(shifts.reduce((sum, shift) => sum + shift, 0)).toBeLessThan(0.0005);
      await close();
    });
  }

  it('nothing moves for whom movement is too much', async () => {
    const { page, close } = await openPlayground({ reducedMotion: 'reduce' });
    await generate(page);
    await textOf(page);
    const moving = await page.evaluate(() => document.getAnimations().length);
    expect(moving).toBe(0);
    await close();
  });
});

describe('on a phone, by night, by keyboard alone', () => {
  it('a text is asked for and read', async () => {
    const { page, errors, close } = await openPlayground({
      viewport: { width: 360, height: 740 },
      colorScheme: 'dark',
    });
    await page.getByLabel('Prompt').focus();
    for (let presses = 0; presses < 60; presses++) {
      if (await page.evaluate(() => document.activeElement?.textContent === 'Generate')) break;
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await textOf(page);
    expect(await page.locator('#text').evaluate((text) => text.getBoundingClientRect().top < innerHeight)).toBe(true);
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
    await screenshot(page, 'playground-phone-night');
    expect(errors).toEqual([]);
    await close();
  });
});

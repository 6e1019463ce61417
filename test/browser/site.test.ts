import { describe, expect, inject, it } from 'vitest';
import { expectAccessible } from './axe.ts';
import { expectNoSidewaysScroll, screenshot, withChromium } from './chromium.ts';

const open = withChromium();

describe('every page of the site', () => {
  for (const path of ['/', '/dashboard/', '/reference/']) {
    for (const width of [1280, 360]) {
      it(`${path} at ${width} pixels: no error, nothing for axe, nothing too wide`, async () => {
        const { page, errors, close } = await open({ viewport: { width, height: 800 } });
        const response = await page.goto(`${inject('url')}${path}`);
        expect(response?.status()).toBe(200);
        await expectAccessible(page);
        await expectNoSidewaysScroll(page);
        await screenshot(page, `site${path.replaceAll('/', '-')}${width}`);
        expect(errors).toEqual([]);
        await close();
      });
    }
  }
});

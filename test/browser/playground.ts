/** The playground in a real browser: how its tests open and use it. */
import type { BrowserContextOptions, Page } from 'playwright-core';
import { inject } from 'vitest';
import { type OpenPage, withChromium } from './chromium.ts';

/** Opens pages, one browser for a test file. */
export function withPlayground() {
  const open = withChromium();
  return {
    open,
    /** The playground as `npm start` opens it. */
    async openPlayground(options?: BrowserContextOptions, fragment = ''): Promise<OpenPage> {
      const opened = await open(options);
      await opened.page.goto(`${inject('url')}/#key=${inject('key')}${fragment}`);
      await opened.page.getByRole('heading', { level: 1 }).waitFor();
      return opened;
    },
  };
}

export const generate = (page: Page) => page.getByRole('button', { name: 'Generate' }).click();

/** The text, when it is there. */
export async function textOf(page: Page): Promise<string> {
  const text = page.locator('#text');
  await text.waitFor();
  return (await text.textContent()) ?? '';
}

/** Loads one of the gallery. */
export const example = (page: Page, title: string) => page.getByRole('button', { name: title, exact: true }).click();

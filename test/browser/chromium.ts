/** A real Chromium for a test file, its pages and their screenshots. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';

const ARTEFACTS = join(import.meta.dirname, '..', '..', 'test-artefacts');

export interface OpenPage {
  readonly page: Page;
  /** What the page wrote as errors: exceptions, violations of its policy, failed loads. */
  readonly errors: readonly string[];
  close(): Promise<void>;
}

/** One browser for the tests of a file; returns what opens a page of its own, with no memory of the others. */
export function withChromium(): (options?: BrowserContextOptions) => Promise<OpenPage> {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-background-networking'],
    });
  });
  afterAll(() => browser?.close());
  return async (options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    return { page, errors, close: () => context.close() };
  };
}

/**
 * Keeps a picture of the page under test-artefacts, to be looked at: of all of it, for which its window grows for a moment, or of what is
 * seen.
 */
export async function screenshot(page: Page, name: string, part: 'all' | 'seen' = 'all'): Promise<void> {
  const path = join(ARTEFACTS, `${name}.png`);
  mkdirSync(dirname(path), { recursive: true });
  await page.screenshot({ path, fullPage: part === 'all' });
}

/** Nothing is wider than the window: nobody has to scroll sideways. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const { wide, window } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    window: document.documentElement.clientWidth,
  }));
  expect(wide).toBeLessThanOrEqual(window);
}

/** The dashboard as its tests use it. */
import type { Page } from 'playwright-core';
import { expect, inject } from 'vitest';

export const DASHBOARD = '/dashboard/';

/** Opens it and signs in by hand. */
export async function signIn(page: Page, key: string): Promise<void> {
  await page.goto(`${inject('url')}${DASHBOARD}`);
  await page.getByLabel('Secret key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
}

/** Goes to another part by its link. */
export async function openPart(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Parts of the dashboard' }).getByRole('link', { name }).click();
  await page.getByRole('heading', { level: 2, name }).waitFor();
}

/** Resolves when nothing is on its way any more. */
export async function settled(page: Page): Promise<void> {
  await expect.poll(() => page.locator('[aria-busy="true"]').count()).toBe(0);
}

/** Presses the button until the page shows what a moment later is there: statements come out of a queue. */
export async function refreshUntil(page: Page, shown: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 40; tries++) {
    await settled(page);
    if (await shown()) return;
    await page.waitForTimeout(500);
    await page.getByRole('button', { name: 'Refresh' }).click();
  }
  throw new Error('What was waited for did not come.');
}

/** Keys in the dashboard: made, shown once, used, rotated, revoked; by keyboard too. */
import { describe, expect, inject, it } from 'vitest';
import { SCOPES } from '../../edge/caller.ts';
import { openAccount } from './account.ts';
import { expectAccessible } from './axe.ts';
import { screenshot, withChromium } from './chromium.ts';
import { openPart, signIn } from './dashboard.ts';

const open = withChromium();
const GRANT = 1_000_000;

/** Status of a request for a text with a key. */
async function use(key: string): Promise<number> {
  const response = await fetch(`${inject('url')}/v1/generations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'A warm blanket' }),
  });
  return response.status;
}

describe('keys in the dashboard', () => {
  it('are made, shown once and copied, work, are rotated and revoked', async () => {
    const { live } = await openAccount(GRANT);
    const { page, errors, close } = await open({ permissions: ['clipboard-read', 'clipboard-write'] });
    await signIn(page, live);
    await openPart(page, 'Keys');
    await page.getByText('New live key').click();
    await page.getByLabel('Name').fill('nightly job');
    await page.getByRole('button', { name: 'Make the key' }).click();
    const dialog = page.getByRole('dialog', { name: 'nightly job' });
    await dialog.getByRole('button', { name: 'Copy the key' }).click();
    await dialog.getByRole('button', { name: 'Copied' }).waitFor();
    const key = await page.evaluate(() => navigator.clipboard.readText());
    expect(key).toMatch(/^sk_live_/);
    await expectAccessible(page);
    await screenshot(page, 'dashboard-new-key');
    await dialog.getByRole('button', { name: 'I have it' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await page.content()).not.toContain(key);
    await expect(use(key)).resolves.toBe(200);

    const item = page.getByRole('listitem').filter({ hasText: 'nightly job' });
    await item.getByRole('button', { name: 'Rotate' }).click();
    await page.getByLabel('The old key works').selectOption('for an hour');
    await page.getByRole('button', { name: 'Make the second key' }).click();
    const second = (await page.getByRole('dialog').getByRole('region', { name: 'Text of the key' }).textContent())!;
    expect(second).toMatch(/^sk_live_/);
    expect(second).not.toBe(key);
    await page.getByRole('button', { name: 'I have it' }).click();
    await item.filter({ hasText: 'works until' }).waitFor();
    await expect(item.count()).resolves.toBe(2);

    const fresh = item.filter({ hasText: 'after a rotation' });
    await fresh.getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect(use(second)).resolves.toBe(200);
    await fresh.getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await fresh.getByText('revoked', { exact: true }).waitFor();
    await expect(use(second)).resolves.toBe(401);

    await openPart(page, 'Audit log');
    const rows = page.getByRole('region', { name: 'Audit log' }).getByRole('row');
    await rows.filter({ hasText: 'key.revoked' }).filter({ hasText: 'nightly job' }).waitFor();
    expect(errors).toEqual([]);
    await close();
  });

  it('that the API refuses are told with code, field and request', async () => {
    const { live } = await openAccount(GRANT);
    const { page, close } = await open();
    await signIn(page, live);
    await openPart(page, 'Keys');
    await page.getByText('New live key').click();
    await page.getByLabel('Name').fill('website');
    await page.getByLabel('Kind').selectOption('publishable');
    await page.getByLabel('Pages it may be used from').fill('https://www.example.com/path');
    await page.getByLabel('Most it may spend').fill('10');
    await page.getByRole('button', { name: 'Make the key' }).click();
    const problem = page.getByRole('alert');
    await problem.getByText('invalid_request').waitFor();
    expect(await problem.textContent()).toMatch(/\/origins\/0[\s\S]*Request: req_/);
    await expect(page.getByLabel('Pages it may be used from').getAttribute('aria-invalid')).resolves.toBe('true');
    await page.getByLabel('Pages it may be used from').fill('https://www.example.com');
    await page.getByRole('button', { name: 'Make the key' }).click();
    await page
      .getByRole('region', { name: 'Text of the key' })
      .getByText(/^pk_live_/)
      .waitFor();
    await close();
  });

  it('end the session of who revokes the one they signed in with', async () => {
    const { test } = await openAccount(GRANT);
    const { page, close } = await open();
    await signIn(page, test);
    await openPart(page, 'Keys');
    await page.getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('You are signed in with this very key').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('alert').getByText('key_revoked').waitFor();
    await page.getByLabel('Secret key').waitFor();
    await close();
  });

  it('are made and revoked without a mouse', async () => {
    const { test } = await openAccount(GRANT);
    const { page, close } = await open();
    const { keyboard } = page;
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');
    const tabTo = async (label: string) => {
      for (let presses = 0; presses < 40 && (await focused()) !== label; presses++) await keyboard.press('Tab');
      expect(await focused()).toBe(label);
    };
    await page.goto(`${inject('url')}/dashboard/`);
    await page.getByLabel('Secret key').focus();
    await keyboard.insertText(test);
    await keyboard.press('Enter');
    await expect.poll(focused).toBe('Overview');
    await page.getByRole('link', { name: 'Overview' }).focus();
    await tabTo('Keys');
    await keyboard.press('Enter');
    await page.getByRole('button', { name: 'Revoke' }).waitFor();
    await tabTo('New test key');
    await keyboard.press('Enter');
    await keyboard.press('Tab');
    await keyboard.insertText('by hand');
    await keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('heading', { name: 'by hand' }).waitFor();
    await page.getByRole('button', { name: 'Revoke by hand' }).focus();
    await keyboard.press('Enter');
    // The way out has the focus, not what cannot be undone.
    expect(await focused()).toBe('Cancel');
    await keyboard.press('Enter');
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label')))
      .toBe('Revoke by hand');
    await close();
  });

  it('may be given every scope that there is', async () => {
    const { page, close } = await open();
    await signIn(page, inject('key'));
    await openPart(page, 'Keys');
    const offered = await page
      .locator('input[name="scope"]')
      .evaluateAll((boxes) => boxes.map((box) => (box as HTMLInputElement).value));
    expect(offered.toSorted()).toEqual([...SCOPES].sort());
    await close();
  });
});

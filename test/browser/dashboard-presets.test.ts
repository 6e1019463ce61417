/** Presets in the dashboard: made, put into a page, changed, deleted, and found again in the numbers. */
import { describe, expect, inject, it } from 'vitest';
import { openAccount } from './account.ts';
import { expectAccessible } from './axe.ts';
import { screenshot, withChromium } from './chromium.ts';
import { openPart, refreshUntil, signIn } from './dashboard.ts';

const open = withChromium();
const GRANT = 1_000_000;

/** A run of a preset as a server would ask for it. */
async function run(key: string, preset: string, variables: Record<string, string>) {
  const response = await fetch(`${inject('url')}/v1/presets/${preset}/runs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ variables }),
  });
  return { status: response.status, answer: (await response.json()) as { readonly text?: string } };
}

describe('presets in the dashboard', () => {
  it('are made, embedded, run, changed and deleted', async () => {
    const { live } = await openAccount(GRANT);
    const { page, errors, close } = await open();
    await signIn(page, live);
    await openPart(page, 'Presets');
    await page.getByText('New live preset').click();
    await page.getByLabel('Name').fill('shop line');
    await page
      .getByLabel('Request (JSON)')
      .fill(JSON.stringify({ template: 'We have {{var:product}}, {{praise:words=1..3}}.' }));
    await page
      .getByLabel('Variables (JSON)')
      .fill(JSON.stringify({ product: { max_characters: 20, default: "cook's tea" } }));
    await page.getByLabel('Kept texts').fill('1');
    await page.getByRole('button', { name: 'Make the preset' }).click();
    const item = page.getByRole('listitem').filter({ hasText: 'shop line' });
    await item.getByText('At most $1.00 a day').waitFor();

    await item.getByRole('button', { name: 'Embed' }).click();
    const dialog = page.getByRole('dialog', { name: 'shop line' });
    const snippet = (await dialog.getByRole('region', { name: 'Text of the snippet' }).textContent())!;
    const id = /preset="(preset_\w{24})"/.exec(snippet)![1];
    await expectAccessible(page);
    await screenshot(page, 'dashboard-embed');
    // As a browser reads it, the element has its preset and its variables.
    const read = await page.evaluate((html) => {
      const element = new DOMParser().parseFromString(html, 'text/html').querySelector('maskwright-text')!;
      return [element.getAttribute('preset'), JSON.parse(element.getAttribute('variables')!)];
    }, snippet);
    expect(read).toEqual([id, { product: "cook's tea" }]);
    await dialog.getByRole('button', { name: 'Close' }).click();

    const { status, answer } = await run(live, id, { product: 'green tea' });
    expect(status).toBe(200);
    expect(answer.text).toMatch(/^We have green tea, /);
    await run(live, id, { product: 'green tea' });

    await item.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Most it may cost in a day').fill('0.25');
    await page.getByRole('button', { name: 'Change the preset' }).click();
    await item.getByText('At most $0.25 a day').waitFor();
    await expect(item.getByText(id).count()).resolves.toBe(1);

    await openPart(page, 'Usage');
    const used = page.getByRole('region', { name: 'Usage by preset' }).getByRole('row', { name: 'shop line' });
    await refreshUntil(page, async () => (await used.getByRole('cell', { name: '2', exact: true }).count()) > 0);
    await openPart(page, 'Requests');
    const lines = page
      .getByRole('region', { name: 'Latest requests' })
      .getByRole('row')
      .filter({ hasText: 'shop line' });
    await lines.filter({ hasText: 'computed' }).waitFor();
    await lines.filter({ hasText: 'from the cache' }).waitFor();
    await screenshot(page, 'dashboard-requests');

    await openPart(page, 'Presets');
    await item.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('There is no preset yet.').waitFor();
    expect((await run(live, id, {})).status).toBe(404);
    expect(errors).toEqual([]);
    await close();
  });

  it('that cannot be are told before and by the API, at their field', async () => {
    const { page, close } = await open();
    await signIn(page, inject('key'));
    await openPart(page, 'Presets');
    await page.getByText('New test preset').click();
    await page.getByLabel('Name').fill('wrong');
    const request = page.getByLabel('Request (JSON)');
    await request.fill('{"prompt": ');
    await page.getByRole('button', { name: 'Make the preset' }).click();
    await page.getByRole('alert').getByText('malformed_json').waitFor();
    await expect(request.getAttribute('aria-invalid')).resolves.toBe('true');
    await request.fill('{"prompt": "{{var:product}}", "seed": 1}');
    await page.getByRole('button', { name: 'Make the preset' }).click();
    await page.getByRole('alert').getByText('/request/seed', { exact: true }).waitFor();
    await page.getByRole('alert').getByText(/^req_/).waitFor();
    await close();
  });
});

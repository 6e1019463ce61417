/** docs/billing.md holds: its table of settings is that of the code, and its defaults are those of the prices. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_PRICE, priceOf } from '../shared/contract/price.ts';
import { quoted, tableRows } from './documented-tables.ts';

const read = (path: string) => readFileSync(join(import.meta.dirname, '..', path), 'utf8');

describe('docs/billing.md', () => {
  it('lists the settings, and which of them are secrets', () => {
    const settings = [...read('edge/billing/settings.ts').matchAll(/\/\*\*(.*?)\*\/\n {2}readonly (\w+)\?/gs)];
    const rows = tableRows('billing.md').filter(([name]) => /^`[A-Z0-9_]+`$/.test(name));
    const documented = rows.map(([name, kind]) => [quoted(name)[0], kind.includes('a secret')]);
    const inCode = [...read('edge/billing/settings.ts').matchAll(/readonly (\w+)\?/g)].map(([, name]) => name);
    expect(documented.map(([name]) => name).sort()).toEqual(inCode.sort());
    const secret = new Map(settings.map(([, words, name]) => [name, words.includes('A secret.')]));
    for (const [name, isSecret] of documented) expect(isSecret, String(name)).toBe(secret.get(String(name)) ?? false);
  });

  it('says what a text costs', () => {
    const sentence = priceOf(DEFAULT_PRICE, { positions: 64, denoising_steps: 16 });
    const text = read('docs/billing.md').replace(/\s+/g, ' ');
    expect(text).toContain(`cost ${DEFAULT_PRICE.computed.toLocaleString('en')} micro-dollars`);
    expect(text).toContain(`costs ${sentence}.`);
    expect(text).toContain(`${DEFAULT_PRICE.cached} micro-dollars by default`);
  });
});

/** The files of the document are those that the schemas of today make. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeApi } from '../../scripts/openapi/api.ts';
import { NOTES } from '../../scripts/openapi/notes.ts';
import { referencePage } from '../../scripts/openapi/page.ts';
import { PROBLEMS } from '../../shared/contract/problem.ts';
import { quoted, tableRows } from '../documented-tables.ts';

const read = (name: string) => readFileSync(join(import.meta.dirname, '../../edge/public', name), 'utf8');
const document = describeApi();

describe('docs/api.md', () => {
  it('has every problem with its status', () => {
    const rows = tableRows('api.md').map(([codes, statuses]) => ({ codes: quoted(codes), statuses }));
    for (const [code, { status }] of Object.entries(PROBLEMS)) {
      const row = rows.find(({ codes }) => codes.includes(code));
      expect(row?.statuses, code).toContain(String(status));
    }
  });
});

describe('edge/public', () => {
  it('has the document of today; if not: npm run openapi', () => {
    expect(JSON.parse(read('openapi.json'))).toEqual(JSON.parse(JSON.stringify(document)));
    expect(read('reference/index.html')).toBe(referencePage(document));
  });

  it('has a page that asks nobody else for anything', () => {
    const page = read('reference/index.html');
    expect(page).not.toMatch(
      /<(script|img|iframe)|\s(on\w+|style)=|(href|src)="(?!#|style\.css"|\.\.\/openapi\.json")/,
    );
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(`id="${target}"`);
  });

  it.each(['GenerationRequest', 'PresetRequest', 'PresetRunRequest'] as const)(
    'says of each field of %s what it means',
    (body) => {
      const { properties } = document.components.schemas[body] as { properties: Record<string, object> };
      const noted = Object.keys(NOTES).filter((name) => name.startsWith(`${body}/`));
      expect(
        Object.keys(properties)
          .map((name) => `${body}/${name}`)
          .sort(),
      ).toEqual(noted.sort());
    },
  );
});

/** The document is the one that the schemas of today make, and its page says all of it. */
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
  });

  it('has a place on the reference page for each operation and schema', () => {
    const page = referencePage(document);
    const named = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map((operation) => (operation as { operationId: string }).operationId),
    );
    expect(named.length).toBeGreaterThan(20);
    for (const id of named) expect(page).toContain(`<section id="${id}">`);
    for (const name of Object.keys(document.components.schemas))
      expect(page).toContain(`<section id="schema-${name}">`);
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

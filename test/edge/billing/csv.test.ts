import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csv } from '../../../edge/billing/csv.ts';

/** Reads RFC 4180 strictly: quotes only around whole cells, lines end in CRLF. */
function parse(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let rest = text;
  while (rest !== '') {
    const [whole, quoted, bare, end] = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/.exec(rest) ?? [];
    if (whole === undefined) throw new Error(`no cell at ${JSON.stringify(rest.slice(0, 20))}`);
    row.push(quoted?.replaceAll('""', '"') ?? bare);
    if (end === '\r\n') rows.push(row);
    if (end === '\r\n') row = [];
    rest = rest.slice(whole.length);
  }
  return rows;
}

/** Cells that spreadsheets would run, or that hide what they would run. */
const FORMULAS = [
  '=1+1',
  '+1',
  '-1',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  ' =1',
  '＝1',
  '＋1',
  '－1',
  '＠x',
  '\n=HYPERLINK("http://x")',
];

describe('comma-separated values', () => {
  it('come back as they were, with any text in any cell', () => {
    const cell = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('a,b', '"', '""', 'a\r\nb', '\n', ' x ', ...FORMULAS),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (rows) => {
        const [, ...read] = parse(csv(['a', 'b'], rows));
        expect(read.map((row) => row.map((text) => text.replace(/^'/, '')))).toEqual(
          rows.map((row) => row.map((text) => text.replace(/^'/, ''))),
        );
      }),
    );
  });

  it('hold no formula', () => {
    for (const formula of FORMULAS) expect(parse(csv(['a'], [[formula]]))[1]).toEqual([`'${formula}`]);
  });

  it('leave numbers numbers', () => {
    expect(csv(['a', 'b'], [[-5, 'x-1']])).toBe('a,b\r\n-5,x-1\r\n');
  });
});

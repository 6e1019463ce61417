/** Tables of the documentation, so that tests can hold them to the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The rows of all tables of a page in docs/, cells as they are written, heads left out. */
export function tableRows(page: string): string[][] {
  const lines = readFileSync(join(import.meta.dirname, '..', 'docs', page), 'utf8').split('\n');
  const rows = lines.map((line) => (line.startsWith('| ') ? line.slice(2, -2).split(' | ') : undefined));
  return rows.filter(
    (cells, i) => cells !== undefined && !lines[i + 1]?.startsWith('| ---') && !lines[i].startsWith('| ---'),
  ) as string[][];
}

/** What stands between backticks in a cell. */
export const quoted = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text);

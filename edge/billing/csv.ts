/** Comma-separated values (RFC 4180), as spreadsheets open them without running anything. */

/** What a spreadsheet takes for the beginning of a formula, and white space that it skips before looking. */
const FORMULA = /^[\s]*[=+\-@\t\r\uff0b\uff0d\uff1d\uff20]/;

export type Cell = string | number;

/** A file: its columns' names, then its rows. A text that would be a formula is given an apostrophe, which makes it a text. */
export function csv(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [columns, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(value: Cell): string {
  if (typeof value === 'number') return String(value);
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}

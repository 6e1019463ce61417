/**
 * The ways a JSON value is ordinarily written.
 */

function spaced(value: unknown, comma: string, colon: string): string {
  if (Array.isArray(value)) return `[${value.map((item) => spaced(item, comma, colon)).join(comma)}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, item]) => `${JSON.stringify(name)}${colon}${spaced(item, comma, colon)}`,
  );
  return `{${members.join(comma)}}`;
}

/** Compact, with a space behind commas and colons, and over several lines. */
export function spellings(value: unknown): string[] {
  return [
    ...new Set([
      JSON.stringify(value),
      spaced(value, ', ', ': '),
      JSON.stringify(value, null, 2),
      JSON.stringify(value, null, 4),
      JSON.stringify(value, null, '\t'),
    ]),
  ];
}

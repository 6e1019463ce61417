/** Money, times and numbers as people read them. The API's are micro-dollars and RFC 3339. */

const MICRO = 1_000_000;
// What one text costs is far below a cent.
const DOLLARS = new Intl.NumberFormat('en-US', {
  ...{ style: 'currency', currency: 'USD' },
  ...{ minimumFractionDigits: 2, maximumFractionDigits: 6 },
});
const WHOLE = new Intl.NumberFormat('en-US');
const DAY = new Intl.DateTimeFormat('en-US', { month: 'short', day: 'numeric', timeZone: 'UTC' });

export function dollars(microDollars: number): string {
  return DOLLARS.format(microDollars / MICRO);
}

/** For a field to be changed: '0.5'. */
export function dollarsOf(microDollars: number): string {
  return String(microDollars / MICRO);
}

/** Micro-dollars of what somebody typed as dollars. */
export function microDollarsOf(text: string): number {
  return Math.round(Number(text) * MICRO);
}

export function whole(number: number): string {
  return WHOLE.format(number);
}

/** '2026-11-26 12:04:31', UTC as all of the API's days. */
export function time(at: string | null): string {
  return at === null ? '' : `${at.slice(0, 10)} ${at.slice(11, 19)}`;
}

/** Of a day, '2026-11-26': 'Nov 26'. */
export function shortDay(day: string): string {
  return DAY.format(Date.parse(`${day}T00:00:00Z`));
}

/** Days and months of statements, all UTC. */
import { problem } from '../../shared/contract/problem.ts';

const DAY_MS = 86_400_000;

/** Unix milliseconds, `end` not included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Days given where none are asked for, and most days asked for at once. */
const DEFAULT_DAYS = 30;
const MOST_DAYS = 366;

/**
 * The days of a query, both ends included; the last 30 where nothing is said.
 * @throws ProblemError `invalid_request`
 */
export function daysOf(from: string | undefined, to: string | undefined, now: number = Date.now()): Span {
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  const last = to === undefined ? today : dayOf('to', to);
  const start = from === undefined ? last - (DEFAULT_DAYS - 1) * DAY_MS : dayOf('from', from);
  const days = (last - start) / DAY_MS + 1;
  if (days < 1) throw problem('invalid_request', `The day "from" is behind the day "to".`, { pointer: '/from' });
  if (days > MOST_DAYS) {
    throw problem('invalid_request', `From "from" to "to" may be ${MOST_DAYS} days; ${days} were asked for.`, {
      pointer: '/from',
    });
  }
  return { start, end: last + DAY_MS };
}

function dayOf(name: string, text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // A 31st of April is read as the 1st of May.
  if (!Number.isNaN(time) && new Date(time).toISOString().startsWith(text)) return time;
  throw problem('invalid_request', `The parameter "${name}" must be a day, "2026-11-26".`, { pointer: `/${name}` });
}

/**
 * A month written '2026-11'.
 * @throws ProblemError `not_found` where it is none
 */
export function monthOf(text: string): Span {
  const [, year, month] = /^(\d{4})-(\d{2})$/.exec(text) ?? [];
  if (year === undefined || month < '01' || month > '12') {
    throw problem('not_found', 'A statement is one of a month, "2026-11".');
  }
  return { start: Date.UTC(Number(year), Number(month) - 1), end: Date.UTC(Number(year), Number(month)) };
}

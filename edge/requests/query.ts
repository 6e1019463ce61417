/** The part of an address behind the question mark: as strict as a body. */
import type { Context } from 'hono';
import { problem } from '../../shared/contract/problem.ts';
import type { EdgeTypes } from '../env.ts';

/**
 * The parameters of a request.
 * @throws ProblemError `unknown_field` where there is another one than these.
 */
export function readQueryOf<Name extends string>(
  c: Context<EdgeTypes>,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const query = c.req.query();
  const unknown = Object.keys(query).find((name) => !(names as readonly string[]).includes(name));
  if (unknown === undefined) return query as Partial<Record<Name, string>>;
  const detail = `There is no parameter ${JSON.stringify(unknown.slice(0, 80))}; there are ${names.join(', ')}.`;
  throw problem('unknown_field', detail, { pointer: `/${unknown.slice(0, 80)}` });
}

const DEFAULT_LIMIT = 20;
const MOST = 100;

export interface Page {
  readonly limit: number;
  /** Id of the last item of the page before. */
  readonly after?: string;
}

/**
 * Which page of a list is asked for: `?limit=20&after=...`.
 * @param more other parameters that there are
 * @throws ProblemError
 */
export function readPage<Name extends string = never>(
  c: Context<EdgeTypes>,
  more: readonly Name[] = [],
): Page & Partial<Record<Name, string>> {
  const query: Partial<Record<string, string>> = readQueryOf(c, ['limit', 'after', ...more]);
  const { limit = String(DEFAULT_LIMIT) } = query;
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > MOST) {
    throw problem('invalid_request', `limit must be a whole number from 1 to ${MOST}.`, { pointer: '/limit' });
  }
  return { ...(query as Partial<Record<Name, string>>), limit: Number(limit), after: query.after };
}

/** A page as it is answered; one item more than asked for says that there are more. */
export function shownPage<Item>(items: readonly Item[], { limit }: Page) {
  return { object: 'list' as const, data: items.slice(0, limit), has_more: items.length > limit };
}

/** One of these words. @throws ProblemError `invalid_request` */
export function oneOf<Word extends string>(name: string, words: readonly Word[], given: string): Word {
  const found = words.find((word) => word === given);
  if (found !== undefined) return found;
  const detail = `The parameter "${name}" must be ${words.join(' or ')}; ${JSON.stringify(given.slice(0, 80))} was given.`;
  throw problem('invalid_request', detail, { pointer: `/${name}` });
}

/** A whole number within bounds. @throws ProblemError `invalid_request` */
export function wholeOf(name: string, given: string, least: number, most: number): number {
  const value = /^\d{1,16}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= least && value <= most) return value;
  const detail = `The parameter "${name}" must be a whole number from ${least} to ${most}.`;
  throw problem('invalid_request', detail, { pointer: `/${name}` });
}

/** What may be asked for in a key: the body of a request, and who may ask for it. */
import * as v from 'valibot';
import { type ProblemError, problem } from '../../shared/contract/problem.ts';
import { allows, type Caller, SCOPES, type Scope } from '../caller.ts';
import { validate } from '../requests/validate.ts';
import type { AskedKey } from './change.ts';
import { isOriginPattern } from './origins.ts';
import type { StoredKey } from './stored.ts';

const DEFAULT_PER_MINUTE = 600;
/** Of a secret key, as far as its giver has them. */
const USUAL: readonly Scope[] = ['generate', 'decide', 'models'];
/** What a page may do with a key that everybody can read: what to write is the preset's, not the page's. */
const PUBLISHABLE: readonly Scope[] = ['run'];
const MOST_ORIGINS = 20;
const MOST_MICRO_DOLLARS = 1_000_000_000_000;

const whole = (least: number, most: number) => v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));

export const keySchema = v.strictObject({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
  kind: v.optional(v.picklist(['secret', 'publishable'])),
  mode: v.optional(v.picklist(['live', 'test'])),
  scopes: v.optional(v.pipe(v.array(v.picklist(SCOPES)), v.minLength(1), v.maxLength(SCOPES.length))),
  origins: v.optional(v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(MOST_ORIGINS))),
  expires_at: v.optional(v.string()),
  requests_per_minute: v.optional(whole(1, 100_000)),
  monthly_limit_micro_dollars: v.optional(whole(0, MOST_MICRO_DOLLARS)),
});

/** Who asks: a key of the account, which cannot give what it does not have, or the administrator. */
export type Giver = Pick<Caller, 'account' | 'mode' | 'scopes'>;

/**
 * The key that a body asks for.
 * @throws ProblemError `invalid_request` and `unknown_field` with the pointer of the field; `missing_scope` where the giver may not.
 */
export function askedKey(body: unknown, giver: Giver): AskedKey {
  const given = validate(keySchema, body);
  const { name, kind = 'secret', expires_at, requests_per_minute: perMinute = DEFAULT_PER_MINUTE } = given;
  const mode = given.mode ?? (kind === 'publishable' ? 'live' : giver.mode);
  const usual = kind === 'publishable' ? PUBLISHABLE : USUAL.filter((scope) => giver.scopes.includes(scope));
  const scopes = [...new Set(given.scopes ?? usual)];
  const monthly = given.monthly_limit_micro_dollars;
  if (kind === 'publishable') checkPublishable({ ...given, mode, scopes });
  else if (given.origins !== undefined) throw invalid('/origins', 'belongs to publishable keys only');
  checkGiver(giver, { mode, scopes });
  const expires = expires_at === undefined ? undefined : timeOf(expires_at, '/expires_at');
  return { account: giver.account, mode, kind, name, scopes, origins: given.origins, perMinute, monthly, expires };
}

function checkPublishable({ mode, scopes, origins, monthly_limit_micro_dollars: monthly }: PublishableTerms): void {
  if (mode !== 'live') throw invalid('/mode', 'must be "live" for a publishable key');
  if (scopes.some((scope) => !PUBLISHABLE.includes(scope))) {
    throw invalid('/scopes', `of a publishable key may be ${PUBLISHABLE.join(', ')} only`);
  }
  if (origins === undefined) throw invalid('/origins', 'is needed for a publishable key: everybody can read it');
  if (monthly === undefined) {
    throw invalid('/monthly_limit_micro_dollars', 'is needed for a publishable key: everybody can read it');
  }
  const wrong = origins.findIndex((origin) => !isOriginPattern(origin));
  if (wrong < 0) return;
  const allowed = 'must be an origin, "https://www.example.com" without a path, or "https://*.example.com"';
  throw invalid(`/origins/${wrong}`, `${allowed}; http is for localhost`);
}

type PublishableTerms = v.InferOutput<typeof keySchema> & { readonly scopes: readonly Scope[] };

/** No key gives another one more than it has, whether by making it or by being shown its successor. */
export function checkGiver(giver: Giver, { mode, scopes }: Pick<StoredKey, 'mode' | 'scopes'>): void {
  if (giver.mode === 'test' && mode === 'live') {
    throw problem('missing_scope', 'A test key makes and changes test keys only.', { pointer: '/mode' });
  }
  const more = scopes.filter((scope) => !allows(giver.scopes, scope));
  if (more.length === 0) return;
  const detail = `A key cannot give scopes that it does not have itself: ${more.join(', ')}.`;
  throw problem('missing_scope', detail, { pointer: '/scopes' });
}

/** RFC 3339, as JSON has it everywhere. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

/** Unix milliseconds of a time to come. */
export function timeOf(text: string, pointer: string): number {
  const time = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw invalid(pointer, 'must be a time like "2027-01-31T12:00:00Z"');
  if (time <= Date.now()) throw invalid(pointer, 'must be in the future');
  return time;
}

function invalid(pointer: string, what: string): ProblemError {
  return problem('invalid_request', `The field ${pointer} ${what}.`, { pointer });
}

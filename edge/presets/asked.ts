/** The preset that a body asks for, checked as far as can be before there are values of a run. */
import {
  DEFAULT_RUNS_PER_DAY,
  DEFAULT_RUNS_PER_MINUTE,
  type PresetRequest,
  type PresetTerms,
  presetSchema,
} from '../../shared/contract/preset.ts';
import { problem } from '../../shared/contract/problem.ts';
import type { Env } from '../env.ts';
import { validate } from '../requests/validate.ts';
import { checkRequest } from './check-request.ts';
import { checkVariables } from './check-variables.ts';

export interface AskedPreset {
  readonly terms: PresetTerms;
  /** The secret for Turnstile; undefined where none was given. */
  readonly turnstile?: string;
}

/**
 * @param kept whether there is a secret for Turnstile already
 * @throws ProblemError with the pointer of the field; for constraints the smallest set in conflict
 */
export async function askedPreset(env: Env, body: unknown, kept = false): Promise<AskedPreset> {
  const { turnstile, ...given } = validate(presetSchema, body);
  const terms: PresetTerms = {
    ...given,
    variables: given.variables ?? {},
    visitor_runs_per_minute: given.visitor_runs_per_minute ?? DEFAULT_RUNS_PER_MINUTE,
    visitor_runs_per_day: given.visitor_runs_per_day ?? DEFAULT_RUNS_PER_DAY,
    protection: given.protection ?? 'origin',
  };
  checkTurnstile(terms, turnstile, kept);
  const samples = await checkVariables(terms);
  await checkRequest(env, terms.request, samples);
  return { terms, turnstile: turnstile?.secret };
}

function checkTurnstile({ protection }: PresetTerms, given: PresetRequest['turnstile'], kept: boolean): void {
  const wanted = protection === 'turnstile';
  if (wanted ? given !== undefined || kept : given === undefined) return;
  const what = wanted ? 'is needed for' : 'belongs to';
  const detail = `The field /turnstile ${what} the protection "turnstile"; ${protection} was asked for.`;
  throw problem('invalid_request', detail, { pointer: '/turnstile' });
}

/**
 * Decides, before any model runs, whether a text can hold all constraints at once; gives a shortest one, or the smallest
 * set of constraints in conflict and what would be possible instead.
 */
import { ProblemError } from '../contract/problem.ts';
import type { CompiledConstraint } from './compile.ts';
import { explain } from './conflict.ts';
import { type DecisionLimits, findText } from './find-text.ts';
import type { Found } from './search.ts';

export type Decision =
  | { readonly satisfiable: true; readonly witness: string }
  | { readonly satisfiable: false; readonly conflict: string[]; readonly achievable: string };

/** Work of one decision and of its explanation, in arcs looked at: bounds both to some tens of milliseconds. */
const DECISION_WORK = 80_000;
const EXPLANATION_WORK = 80_000;
const ATTEMPTS = [
  { work: 20_000, hasty: false },
  { work: 60_000, hasty: true },
] as const;

/**
 * Decides a compiled constraint within a budget of tokens. "Satisfiable" is exact at byte level; that the bytes also fit
 * the tokens is only bounded from below (bytes / longest token). Throws limit_exceeded when the work is too much.
 */
export function decide(compiled: CompiledConstraint, limits: DecisionLimits): Decision {
  const found = findAnyText(compiled, limits);
  if (found !== undefined) return { satisfiable: true, witness: found.text };
  return { satisfiable: false, ...explain(compiled, limits, { left: EXPLANATION_WORK }) };
}

/** Any text: a shortest one where that is soon found, else in haste, else a shortest one after all. */
function findAnyText(compiled: CompiledConstraint, limits: DecisionLimits): Found {
  for (const { work, hasty } of ATTEMPTS) {
    try {
      return findText(compiled, limits, { left: work }, hasty);
    } catch (error) {
      if (!isLimit(error)) throw error;
    }
  }
  return findText(compiled, limits, { left: DECISION_WORK });
}

/** True for the error of a spent budget. */
export function isLimit(error: unknown): boolean {
  return error instanceof ProblemError && error.problem.code === 'limit_exceeded';
}

/**
 * Decides, before any model runs, whether a text can hold all constraints at once; gives a shortest one, or the smallest
 * set of constraints in conflict and what would be possible instead.
 */
import { ProblemError } from '../contract/problem.ts';
import type { CompiledConstraint } from './compile.ts';
import { explain } from './conflict.ts';
import { phraseCharacters } from './phrases.ts';
import { makeScene } from './scene.ts';
import { type Budget, type Found, search } from './search.ts';

export type Decision =
  | { readonly satisfiable: true; readonly witness: string }
  | { readonly satisfiable: false; readonly conflict: string[]; readonly achievable: string };

/** What the model allows: tokens of the whole text, and the bytes of its longest token. */
export interface DecisionLimits {
  readonly tokens: number;
  readonly longestTokenBytes: number;
}

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

/** A shortest text of a compiled constraint (any, when `hasty`), undefined when there is none. */
export function findText(compiled: CompiledConstraint, limits: DecisionLimits, budget: Budget, hasty = false): Found {
  const { min } = compiled.tokens;
  if (min > limits.tokens) return undefined;
  const maxBytes = limits.tokens * limits.longestTokenBytes;
  const most = compiled.plan.measures.text.characters?.max ?? maxBytes;
  if (phraseCharacters(compiled.phrases) > Math.min(most, maxBytes)) return undefined;
  const sizes = { longest: limits.longestTokenBytes, least: 1 };
  const found = search(makeScene(compiled, sizes), maxBytes, budget, hasty);
  const leastStated = min > 0 || compiled.segments.some((segment) => segment.kind === 'hole' && segment.tokens.min > 0);
  // A character of the text found may be one byte where another of the same kind has four, and so room for four tokens.
  if (found !== undefined || !leastStated) return found;
  return search(makeScene(compiled, { ...sizes, least: 1 / 4 }), maxBytes, budget, hasty);
}

/** True for the error of a spent budget. */
export function isLimit(error: unknown): boolean {
  return error instanceof ProblemError && error.problem.code === 'limit_exceeded';
}

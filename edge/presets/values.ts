/** Values of variables: which ones a preset allows, and those of a run. */
import { type ByteAutomaton, run } from '../../shared/constraints/automaton.ts';
import { createMemo } from '../../shared/constraints/memo.ts';
import { compileRegex } from '../../shared/constraints/regex.ts';
import {
  DEFAULT_MAX_CHARACTERS,
  DEFAULT_MIN_CHARACTERS,
  type Variable,
  type Variables,
} from '../../shared/contract/preset.ts';
import { type ProblemError, problem } from '../../shared/contract/problem.ts';

export type Values = Readonly<Record<string, string>>;

/** How many characters a value may have. */
export function charactersOf({ min_characters, max_characters }: Variable) {
  const max = max_characters ?? DEFAULT_MAX_CHARACTERS;
  return { min: min_characters ?? Math.min(DEFAULT_MIN_CHARACTERS, max), max };
}

/** What a value must be and is not, in words; undefined where it fits. */
export function objection(variable: Variable, value: string): string | undefined {
  const { min, max } = charactersOf(variable);
  // Enough to be sure, however long it is.
  const length = [...value.slice(0, 2 * max + 2)].length;
  if (!value.isWellFormed()) return 'be well-formed Unicode';
  if (length < min || length > max) return `have ${min} to ${max} characters`;
  const { choices, pattern } = variable;
  if (choices !== undefined && !choices.includes(value)) return 'be one of its choices';
  if (pattern !== undefined && !matches(pattern, value)) return `match ${pattern}`;
  return undefined;
}

const patterns = createMemo<ByteAutomaton>(() => false);

/** Whether a pattern, which compiled when its preset was made, matches the whole value. */
function matches(pattern: string, value: string): boolean {
  const automaton = patterns.get(pattern, () => compileRegex(pattern, ''));
  return run(automaton, new TextEncoder().encode(value));
}

/**
 * Lets values pass that a preset allows.
 * @throws ProblemError `invalid_request` with the pointer of the variable
 */
export function checkValues(variables: Variables, given: Values): void {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(variables, name)) {
      const names = Object.keys(variables).join(', ') || 'none';
      throw invalid(name, `is no variable of this preset; it has ${names}`);
    }
    const wrong = objection(variables[name], value);
    if (wrong !== undefined) throw invalid(name, `must ${wrong}`);
  }
}

/**
 * All values of a run.
 * @param fixed by the session; the page cannot change them
 * @throws ProblemError `invalid_request` with the pointer of the variable
 */
export function valuesOf(variables: Variables, given: Values, fixed: Values = {}): Values {
  const doubled = Object.keys(given).find((name) => Object.hasOwn(fixed, name));
  if (doubled !== undefined) throw invalid(doubled, 'is fixed by the session');
  const said = { ...given, ...fixed };
  checkValues(variables, said);
  return Object.fromEntries(
    Object.entries(variables).map(([name, variable]) => {
      const value = Object.hasOwn(said, name) ? said[name] : variable.default;
      if (value === undefined) throw invalid(name, 'is missing, and has no default');
      return [name, value];
    }),
  );
}

function invalid(name: string, what: string): ProblemError {
  // A name that nobody declared may be anything.
  const pointer = `/variables/${name.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return problem('invalid_request', `The field ${pointer} ${what}.`, { pointer });
}

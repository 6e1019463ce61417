/** What a preset says of its variables: every one is used, every one that is used is declared, and each has values. */
import { compileConstraint } from '../../shared/constraints/compile.ts';
import { decide } from '../../shared/constraints/feasibility.ts';
import { NAME } from '../../shared/constraints/template.ts';
import { PRESET_LIMITS, type PresetTerms, type Variable } from '../../shared/contract/preset.ts';
import { type ProblemError, problem, unsatisfiable } from '../../shared/contract/problem.ts';
import { variablesOf } from './placeholders.ts';
import { repointed, withinRequest } from './repointed.ts';
import { charactersOf, objection, type Values } from './values.ts';

/** Values at the bounds of what is allowed; of a variable with a pattern one value, as short as any. */
export interface Samples {
  readonly shortest: Values;
  readonly longest: Values;
}

/** Room for any value: it says nothing of a model. */
const ROOM = { tokens: 4 * PRESET_LIMITS.variableCharacters, longestTokenBytes: 1 };
/** What a value without a pattern is made of. */
const LETTER = 'x';

/** @throws ProblemError with the pointer of the field in the preset */
export async function checkVariables({ request, variables }: PresetTerms): Promise<Samples> {
  const names = Object.keys(variables);
  if (names.length > PRESET_LIMITS.variables) {
    throw invalid('/variables', `may have ${PRESET_LIMITS.variables} variables; ${names.length} were given`);
  }
  const used = await repointed(withinRequest, () => variablesOf(request));
  for (const [name, pointer] of used) {
    if (Object.hasOwn(variables, name)) continue;
    throw invalid(withinRequest(pointer), `has the variable ${name}, which /variables does not declare`);
  }
  const [shortest, longest]: Record<string, string>[] = [{}, {}];
  for (const [name, variable] of Object.entries(variables)) {
    const pointer = `/variables/${name.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!NAME.test(name)) {
      throw invalid(pointer, 'must be a name: a letter, then at most 31 letters, digits or underscores');
    }
    if (!used.has(name)) throw invalid(pointer, 'stands nowhere in the request');
    [shortest[name], longest[name]] = await samplesOf(variable, pointer);
  }
  return { shortest, longest };
}

/** A shortest and a longest value. */
async function samplesOf(variable: Variable, pointer: string): Promise<readonly [string, string]> {
  const { min, max } = charactersOf(variable);
  if (min > max) throw invalid(`${pointer}/min_characters`, `must be at most max_characters, which is ${max}`);
  const any = variable.pattern === undefined ? undefined : await matching(variable, variable.pattern, pointer);
  const { choices = [], default: value } = variable;
  const stated: [string, string][] = choices.map((choice, i) => [`${pointer}/choices/${i}`, choice]);
  if (value !== undefined) stated.push([`${pointer}/default`, value]);
  for (const [at, one] of stated) {
    const wrong = objection(variable, one);
    if (wrong !== undefined) throw invalid(at, `must ${wrong}`);
  }
  const sorted = choices.toSorted((a, b) => a.length - b.length);
  if (sorted.length > 0) return [sorted[0], sorted[sorted.length - 1]];
  return any === undefined ? [LETTER.repeat(min), LETTER.repeat(max)] : [any, any];
}

/** A value that matches the pattern and has as many characters as it may have. */
function matching(variable: Variable, regex: string, pointer: string): Promise<string> {
  const { min, max } = charactersOf(variable);
  return repointed(
    () => `${pointer}/pattern`,
    () => {
      const asked = { regex, length: { unit: 'characters' as const, min, max } };
      const decision = decide(compileConstraint(asked, { context: ROOM.tokens }), ROOM);
      if (decision.satisfiable) return decision.witness;
      throw unsatisfiable(decision.conflict, decision.achievable);
    },
  );
}

function invalid(pointer: string, what: string): ProblemError {
  return problem('invalid_request', `The field ${pointer} ${what}.`, { pointer });
}

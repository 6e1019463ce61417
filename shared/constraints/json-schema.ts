/**
 * JSON Schema (2020-12) -> the automaton of the JSON texts that are generated for it.
 *
 * What is generated ("canonical") is a part of what is valid:
 * - objects hold declared properties only (`properties`, `required`), each once, in the order of their declaration;
 * - numbers and strings are spelled as `JSON.stringify` spells them (strings may also use \uXXXX and \/ where no pattern
 *   or format is stated); `integer` has at most 21 digits and no exponent, with `multipleOf` at most 15 digits; numbers
 *   are below 1.7e+308;
 * - enum and const objects have the order of keys they were given with;
 * - between tokens stands nothing, one space, or a line break and an indentation (two or four spaces or one tab a level);
 *   behind a key's colon nothing or one space;
 * - a schema stands inside itself at most RECURSION_LIMIT times, fewer where that many would be too large; a value that
 *   nothing is said of holds arrays two levels deep, and no objects but `{}`.
 * Every text accepted is valid. Keywords that cannot be enforced are refused by name.
 */
import { ProblemError, problem } from '../contract/problem.ts';
import type { ByteAutomaton } from './automaton.ts';
import { openContext } from './json-schema/context.ts';
import { createBuilder } from './json-schema/graph.ts';
import { determinise } from './json-schema/subsets.ts';
import { createWriter } from './json-schema/write-value.ts';
import { toBytes } from './utf8.ts';

/** Most levels of a schema inside itself; fewer where that many would take too much work. */
export const RECURSION_LIMIT = 4;
/** Work of one attempt, in nodes and arcs made: bounds its time to some tens of milliseconds. */
const WORK_LIMIT = 80_000;
/** Most states of the machine of one schema; of one with a schema inside itself, where a flatter attempt would follow. */
const STATE_LIMIT = 1_500;
const RECURSION_STATE_LIMIT = 800;

/**
 * Compiles a JSON Schema that the request holds at `pointer`. A schema that nothing satisfies has an automaton that accepts
 * nothing. Throws unsupported_constraint, limit_exceeded and invalid_request with the pointer of the keyword.
 */
export function compileJsonSchema(schema: unknown, pointer: string): ByteAutomaton {
  if (typeof schema !== 'boolean' && (typeof schema !== 'object' || schema === null || Array.isArray(schema))) {
    throw problem('invalid_request', `${pointer} must be a JSON Schema: an object, true or false.`, { pointer });
  }
  for (let depth = RECURSION_LIMIT; ; depth--) {
    const attempt = compileTo(schema, pointer, depth);
    if (attempt.automaton !== undefined) return attempt.automaton;
    if (!attempt.cut || depth === 1) throw attempt.error;
  }
}

type Attempt =
  | { readonly automaton: ByteAutomaton }
  | { readonly automaton: undefined; readonly error: unknown; readonly cut: boolean };

/** One attempt with a schema inside itself at most `depth` times; `cut`: less depth would be less work. */
function compileTo(schema: unknown, pointer: string, depth: number): Attempt {
  const context = openContext(schema, pointer, WORK_LIMIT);
  const builder = createBuilder(context);
  const writer = createWriter(builder, depth);
  try {
    const start = writer.write([context.document.root], { depth: 0, next: builder.final });
    const states = writer.cut() && depth > 1 ? RECURSION_STATE_LIMIT : STATE_LIMIT;
    const machine = determinise(context, builder.finish(), start, states);
    if (writer.cut() && machine.accepting(machine.start).length === 0 && machine.states === 1) {
      const detail = `The schema at ${pointer} needs values nested in themselves more than ${depth} times.`;
      throw problem('limit_exceeded', detail, { pointer });
    }
    return { automaton: toBytes(machine) };
  } catch (error) {
    if (error instanceof RangeError) {
      const deep = problem('limit_exceeded', `The schema at ${pointer} is nested too deeply.`, { pointer });
      return { automaton: undefined, error: deep, cut: writer.cut() };
    }
    const limit = error instanceof ProblemError && error.problem.code === 'limit_exceeded';
    return { automaton: undefined, error, cut: limit && writer.cut() };
  }
}

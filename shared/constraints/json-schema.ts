import { problem } from '../contract/problem.ts';
import type { ByteAutomaton } from './automaton.ts';

/** Refuses every schema. */
export function compileJsonSchema(_schema: unknown, pointer: string): ByteAutomaton {
  throw problem('unsupported_constraint', 'json_schema is not supported.', { pointer });
}

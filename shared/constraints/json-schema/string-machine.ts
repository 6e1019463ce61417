/**
 * Machines over the characters of a string's value (quotes and escapes are added where it is written).
 */
import { problem } from '../../contract/problem.ts';
import { open, update } from '../automaton.ts';
import { classAt } from '../code-points.ts';
import { regexMachine } from '../regex.ts';
import { intersectText, type TextMachine } from '../utf8.ts';
import type { StringSet } from './alternative.ts';
import { type Context, spend } from './context.ts';
import { formatOf } from './formats.ts';

/** Most different patterns of one schema. They share the work that one alone may take (see ../determinise.ts). */
export const PATTERN_LIMIT = 8;

const formatMachines = new Map<string, TextMachine>();

/** The machine of a format: whole values. */
export function formatMachine(name: string): TextMachine {
  let machine = formatMachines.get(name);
  if (machine === undefined) {
    machine = regexMachine(formatOf(name).source, '');
    formatMachines.set(name, machine);
  }
  return machine;
}

/** The machine of the strings with a pattern somewhere in them. Throws what `regexMachine` throws. */
export function patternMachine(context: Context, source: string, pointer: string): TextMachine {
  let machine = context.patterns.get(source);
  if (machine === undefined) {
    if (context.patterns.size >= PATTERN_LIMIT) {
      const detail = `The pattern at ${pointer} is one too many: a schema may have ${PATTERN_LIMIT} different ones.`;
      throw problem('limit_exceeded', detail, { pointer });
    }
    machine = regexMachine(source, pointer, { search: true, work: context.patternWork });
    spend(context, machine.states);
    context.patterns.set(source, machine);
  }
  return machine;
}

/** What the patterns and formats of a set say; undefined when it has none. Lengths are left to counters. */
export function stringMachine(context: Context, set: StringSet): TextMachine | undefined {
  const { patterns, formats } = set;
  if (patterns.length === 0 && formats.length === 0) return undefined;
  const key = stringKey(set);
  let machine = context.strings.get(key);
  if (machine === undefined) {
    machine = [
      ...formats.map((format) => formatMachine(format.value)),
      ...patterns.map((pattern) => patternMachine(context, pattern.value, pattern.pointer)),
    ].reduce(intersectText);
    context.strings.set(key, machine);
  }
  return machine;
}

/** The same patterns and formats give the same key. */
export function stringKey({ patterns, formats }: StringSet): string {
  return JSON.stringify([patterns.map((pattern) => pattern.value), formats.map((format) => format.value)]);
}

/** The most characters the formats of a set leave room for. */
export function formatLength({ formats }: StringSet): number {
  return Math.min(...formats.map((format) => formatOf(format.value).maxLength ?? Number.POSITIVE_INFINITY));
}

/** Is a pattern somewhere in a text? Decided by its machine: time is linear whatever the pattern. */
export function matches(context: Context, source: string, pointer: string, text: string): boolean {
  return runText(patternMachine(context, source, pointer), text);
}

/** Is a text of a format? */
export function isFormat(name: string, text: string): boolean {
  return runText(formatMachine(name), text) && text.length <= (formatOf(name).maxLength ?? text.length);
}

/** Runs a machine over a text. */
function runText(machine: TextMachine, text: string): boolean {
  const values = new Int32Array(machine.counters.length);
  let state = machine.start;
  for (const character of text) {
    const symbol = classAt(machine.partition, character.codePointAt(0) as number);
    const arc = symbol < 0 ? undefined : machine.arcs(state, symbol).find(({ guards }) => open(guards, values));
    if (arc === undefined) return false;
    update(machine.counters, arc.updates, values);
    state = arc.to;
  }
  return machine.accepting(state).some((guards) => open(guards, values));
}

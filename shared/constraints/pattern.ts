/**
 * Patterns: the regular expressions that every part of the language is written in before it becomes a machine.
 */
import { type CodePointSet, characters, of } from './code-points.ts';

export type Pattern =
  | { readonly kind: 'set'; readonly set: CodePointSet }
  | { readonly kind: 'sequence'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'choice'; readonly options: readonly Pattern[] }
  | { readonly kind: 'repeat'; readonly body: Pattern; readonly min: number; readonly max: number }
  /** Holds before the first character only, or behind the last only. */
  | { readonly kind: 'edge'; readonly at: 'start' | 'end' };

export const NOTHING: Pattern = { kind: 'sequence', parts: [] };
export const START: Pattern = { kind: 'edge', at: 'start' };
export const END: Pattern = { kind: 'edge', at: 'end' };

/** One character of a set. */
export function one(set: CodePointSet): Pattern {
  return { kind: 'set', set };
}

export function sequence(...parts: readonly Pattern[]): Pattern {
  return parts.length === 1 ? parts[0] : { kind: 'sequence', parts };
}

export function choice(...options: readonly Pattern[]): Pattern {
  return options.length === 1 ? options[0] : { kind: 'choice', options };
}

/** `body` min to max times; max may be Infinity. */
export function repeat(body: Pattern, min: number, max: number): Pattern {
  return { kind: 'repeat', body, min, max };
}

export function optional(body: Pattern): Pattern {
  return repeat(body, 0, 1);
}

/** A text, character by character. */
export function literal(text: string): Pattern {
  return sequence(...[...text].map((character) => one(characters(character))));
}

/** One character between two, ends included: `range('0', '9')`. */
export function range(low: string, high: string): Pattern {
  return one(of(low.codePointAt(0) as number, high.codePointAt(0) as number));
}

const known = new WeakMap<Pattern, boolean>();

/** True when the pattern can match the empty text (edges count as empty). */
export function nullable(pattern: Pattern): boolean {
  let answer = known.get(pattern);
  if (answer === undefined) {
    answer = computeNullable(pattern);
    known.set(pattern, answer);
  }
  return answer;
}

function computeNullable(pattern: Pattern): boolean {
  switch (pattern.kind) {
    case 'set':
      return false;
    case 'sequence':
      return pattern.parts.every(nullable);
    case 'choice':
      return pattern.options.some(nullable);
    case 'repeat':
      return pattern.min === 0 || nullable(pattern.body);
    case 'edge':
      return true;
  }
}

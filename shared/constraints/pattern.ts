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

type Nullability = 'never' | 'at an edge' | 'always';

const known = new WeakMap<Pattern, Nullability>();

/** When the pattern can match the empty text: never, only where an edge stands, or always. */
export function nullability(pattern: Pattern): Nullability {
  let answer = known.get(pattern);
  if (answer === undefined) {
    answer = computeNullability(pattern);
    known.set(pattern, answer);
  }
  return answer;
}

function computeNullability(pattern: Pattern): Nullability {
  switch (pattern.kind) {
    case 'set':
      return 'never';
    case 'edge':
      return 'at an edge';
    case 'sequence': {
      const parts = pattern.parts.map(nullability);
      if (parts.includes('never')) return 'never';
      return parts.includes('at an edge') ? 'at an edge' : 'always';
    }
    case 'choice': {
      const options = pattern.options.map(nullability);
      if (options.includes('always')) return 'always';
      return options.includes('at an edge') ? 'at an edge' : 'never';
    }
    case 'repeat':
      return pattern.min === 0 ? 'always' : nullability(pattern.body);
  }
}

/**
 * Stated bounds as ranges.
 */
import type { Bounds, LengthSpec } from '../contract/generation.ts';
import type { Range } from './units.ts';

export const ANY_LENGTH: Range = { min: 0, max: Number.POSITIVE_INFINITY };

/** The range of `{exact}`, `{min, max}` or both. */
export function rangeOf({ exact, min, max }: Bounds): Range {
  return {
    min: Math.max(exact ?? 0, min ?? 0),
    max: Math.min(exact ?? Number.POSITIVE_INFINITY, max ?? Number.POSITIVE_INFINITY),
  };
}

/** What both ranges allow. It may be empty (min > max): no text has that length. */
export function narrow(a: Range, b: Range): Range {
  return { min: Math.max(a.min, b.min), max: Math.min(a.max, b.max) };
}

/** True when zero is asked for or allowed in so many words. */
export function allowsZero({ exact, min, max }: Bounds): boolean {
  return exact === 0 || min === 0 || max === 0;
}

/** The lengths of a request as a list, each with its JSON Pointer. */
export function lengthsOf(
  length: LengthSpec | readonly LengthSpec[] | undefined,
): { readonly spec: LengthSpec; readonly pointer: string }[] {
  if (length === undefined) return [];
  if ('unit' in length) return [{ spec: length, pointer: '/length' }];
  return length.map((spec, i) => ({ spec, pointer: `/length/${i}` }));
}

/** 'exactly 3 words', 'at most 160 characters', '2 to 4 sentences'. */
export function describeRange({ min, max }: Range, unit: string): string {
  const name = (count: number) => (count === 1 ? unit.slice(0, -1) : unit);
  if (min === max) return `exactly ${min} ${name(min)}`;
  if (max === Number.POSITIVE_INFINITY) return `at least ${min} ${name(min)}`;
  if (min === 0) return `at most ${max} ${name(max)}`;
  return `${min} to ${max} ${unit}`;
}

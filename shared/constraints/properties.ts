/**
 * Unicode properties as sets, read off the engine's own tables so that compiler and checker follow one Unicode version.
 */
import { type CodePointSet, normalise } from './code-points.ts';

/** Planes that hold more than one kind of character; all others are uniform but for their two last code points. */
const VARIED: readonly (readonly [number, number])[] = [
  [0, 0xd7ff],
  [0xe000, 0x3ffff],
  [0xe0000, 0xe0fff],
];
const LAST = 0x10ffff;

let everything: string | undefined;
const known = new Map<string, CodePointSet>();

/** The characters of the varied planes in order, one string; made once, when the first property is used (~15 ms). */
function variedCharacters(): string {
  if (everything === undefined) {
    const parts: string[] = [];
    for (const [low, high] of VARIED) {
      for (let base = low; base <= high; base += 1024) {
        const size = Math.min(1024, high - base + 1);
        parts.push(String.fromCodePoint(...Array.from({ length: size }, (_, i) => base + i)));
      }
    }
    everything = parts.join('');
  }
  return everything;
}

/** The uniform stretches of code points outside of the varied ones. */
function uniformRanges(): [number, number][] {
  const ranges: [number, number][] = [[0xe1000, 0xefffd]];
  for (let plane = 4; plane <= 16; plane++) if (plane !== 14) ranges.push([plane * 0x10000, plane * 0x10000 + 0xfffd]);
  for (let plane = 4; plane <= 16; plane++) {
    const end = plane * 0x10000 + 0xffff;
    ranges.push([end - 1, end - 1], [end, Math.min(end, LAST)]);
  }
  return ranges;
}

/** The set of \p{key} or \p{key=value}. */
export function propertySet(key: string, value: string | null): CodePointSet {
  const name = value === null ? key : `${key}=${value}`;
  let set = known.get(name);
  if (set === undefined) {
    const ranges: [number, number][] = [];
    for (const [run] of variedCharacters().matchAll(new RegExp(`\\p{${name}}+`, 'gu'))) {
      const first = run.codePointAt(0) as number;
      const last = run.codePointAt(run.length - 2) ?? 0;
      const end = last > 0xffff ? last : run.charCodeAt(run.length - 1);
      // A run may go on over the gaps between the varied stretches, which are cut out again.
      for (const [low, high] of VARIED) {
        if (first <= high && end >= low) ranges.push([Math.max(first, low), Math.min(end, high)]);
      }
    }
    const single = new RegExp(`^\\p{${name}}$`, 'u');
    for (const [low, high] of uniformRanges()) if (single.test(String.fromCodePoint(low))) ranges.push([low, high]);
    set = normalise(ranges);
    known.set(name, set);
  }
  return set;
}

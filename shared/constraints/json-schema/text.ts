/**
 * The fixed parts of JSON texts: literal characters, and the white space between tokens.
 */
import { type CodePointSet, characters, of } from '../code-points.ts';
import type { Builder, FirstRead } from './graph.ts';

const ASCII: readonly CodePointSet[] = Array.from({ length: 128 }, (_, c) => of(c, c));

/** The set of one character. */
export function only(character: string): CodePointSet {
  return ASCII[character.codePointAt(0) as number] ?? characters(character);
}

const DIGITS: readonly CodePointSet[] = Array.from({ length: 100 }, (_, i) =>
  i % 10 < Math.floor(i / 10) ? [] : of(0x30 + Math.floor(i / 10), 0x30 + (i % 10)),
);

/** A digit from one to another; none where `low` is above `high`. */
export function digits(low: number, high: number): CodePointSet {
  return DIGITS[10 * low + high] ?? [];
}

/** Writes a text, then goes on at `next`; returns where it begins. */
export function literal(builder: Builder, text: string, next: number): number {
  let to = next;
  for (const character of [...text].reverse()) {
    const node = builder.node();
    builder.read(node, only(character), to);
    to = node;
  }
  return to;
}

/**
 * Optional white space before a token: none, one space, or a line break and an indentation of `depth` levels (of two or
 * four spaces or one tab each): what formatters write, and no run without end. The token must be built already.
 */
export function space(builder: Builder, depth: number, next: number): number {
  const start = builder.node();
  builder.fork(start, next);
  builder.read(start, only(' '), next);
  const line = builder.node();
  builder.read(start, only('\n'), line);
  if (depth === 0) {
    builder.fork(line, next);
    return start;
  }
  const reads = builder.firstReads(next);
  indentation(builder, line, ' ', [2 * depth, 4 * depth], reads);
  indentation(builder, line, '\t', [depth], reads);
  return start;
}

/** Units counted one by one; the token may begin behind so many as `stops` says. */
function indentation(
  builder: Builder,
  line: number,
  unit: string,
  stops: readonly number[],
  reads: readonly FirstRead[],
) {
  const most = Math.max(...stops);
  const counter = builder.counter('indentation', most, false);
  const updates = [{ counter, operation: 'add', value: 1 }] as const;
  const node = builder.within([counter], builder.node);
  builder.read(line, only(unit), node, { updates });
  if (most > 1) builder.read(node, only(unit), node, { guards: [{ counter, min: 1, max: most - 1 }], updates });
  for (const stop of stops) {
    for (const { set, to, guards, updates } of reads) {
      const behind = stop === 1 && most === 1 ? guards : [...guards, { counter, min: stop, max: stop }];
      builder.read(node, set, to, { guards: behind, updates });
    }
  }
}

/** What stands between a key's colon and its value: nothing or a space. */
export function gap(builder: Builder, next: number): number {
  const start = builder.node();
  builder.fork(start, next);
  builder.read(start, only(' '), next);
  return start;
}

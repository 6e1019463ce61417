/**
 * The fixed parts of JSON texts: literal characters, and the white space between tokens.
 */
import { type CodePointSet, characters, of } from '../code-points.ts';
import type { Builder } from './graph.ts';

const single = new Map<string, CodePointSet>();

/** The set of one character. */
export function only(character: string): CodePointSet {
  let set = single.get(character);
  if (set === undefined) {
    set = characters(character);
    single.set(character, set);
  }
  return set;
}

/** A digit from one to another. */
export function digits(low: number, high: number): CodePointSet {
  return low > high ? [] : of(0x30 + low, 0x30 + high);
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
 * four spaces or one tab each): what formatters write, and no run without end.
 */
export function space(builder: Builder, depth: number, next: number): number {
  const start = builder.node();
  builder.fork(start, next);
  builder.read(start, only(' '), next);
  const line = builder.node();
  builder.read(start, only('\n'), line);
  indent(builder, line, ' ', 4 * depth, [2 * depth, 4 * depth], next);
  indent(builder, line, '\t', depth, [depth], next);
  return start;
}

function indent(builder: Builder, line: number, unit: string, most: number, stops: readonly number[], next: number) {
  let node = line;
  for (let written = 0; ; written++) {
    if (stops.includes(written)) builder.fork(node, next);
    if (written === most) return;
    const to = builder.node();
    builder.read(node, only(unit), to);
    node = to;
  }
}

/** What stands between a key's colon and its value, and (`depth` undefined) nothing else: an optional space. */
export function gap(builder: Builder, next: number): number {
  const start = builder.node();
  builder.fork(start, next);
  builder.read(start, only(' '), next);
  return start;
}

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

const WHITE = of(0x09, 0x09, 0x20, 0x20);

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

/** Depth from which on an indentation is counted, whatever its length up to four a level, to keep the automaton small. */
const DEEP = 4;

/**
 * Optional white space before a token: none, one space, or a line break and an indentation of `depth` levels (of two or
 * four spaces or one tab each): what formatters write, and no run without end.
 */
export function space(builder: Builder, depth: number, next: number): number {
  const start = builder.node();
  builder.fork(start, next);
  builder.read(start, only(' '), next);
  if (depth >= DEEP) {
    builder.read(start, only('\n'), countedIndent(builder, 4 * depth, next));
    return start;
  }
  const line = builder.node();
  builder.read(start, only('\n'), line);
  let node = line;
  for (let written = 0; ; written++) {
    if (written === 2 * depth || written === 4 * depth) builder.fork(node, next);
    if (written === 4 * depth) break;
    node = follow(builder, node, ' ');
  }
  if (depth === 0) return start;
  node = line;
  for (let written = 0; written < depth; written++) node = follow(builder, node, '\t');
  builder.fork(node, next);
  return start;
}

/** At most so many spaces and tabs. */
function countedIndent(builder: Builder, most: number, next: number): number {
  const counter = builder.counter('indentation', most, false);
  return builder.within([counter], () => {
    const node = builder.node();
    builder.fork(node, next);
    builder.read(node, WHITE, node, {
      guards: [{ counter, min: 0, max: most - 1 }],
      updates: [{ counter, operation: 'add', value: 1 }],
    });
    return node;
  });
}

function follow(builder: Builder, from: number, character: string): number {
  const to = builder.node();
  builder.read(from, only(character), to);
  return to;
}

/** What stands between a key's colon and its value: nothing or a space. */
export function gap(builder: Builder, next: number): number {
  const start = builder.node();
  builder.fork(start, next);
  builder.read(start, only(' '), next);
  return start;
}

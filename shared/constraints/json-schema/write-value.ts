/**
 * A value of some schemas, as a part of the graph: its alternatives side by side.
 */
import { problem } from '../../contract/problem.ts';
import type { Alternative } from './alternative.ts';
import { keyOf } from './context.ts';
import { isRecord } from './document.ts';
import type { Builder } from './graph.ts';
import { gap, literal, only, space } from './text.ts';
import { alternativesOf, behindReferences } from './value-set.ts';
import { type Spot, type WriteValue, writeArray, writeObject } from './write-container.ts';
import { writeNumber } from './write-number.ts';
import { writeString } from './write-string.ts';

/** Most arrays and objects around a value. */
export const NESTING_LIMIT = 64;
/** Levels of arrays in a value that nothing is said of. */
export const FREE_DEPTH = 2;

/** Work left once recursion was found, where a flatter attempt would follow. */
const RECURSION_WORK = 15_000;

export interface Writer {
  readonly write: WriteValue;
  /** True once a value was left out because its schema was already around itself `depth` times. */
  cut(): boolean;
}

/** Writes values; a schema may stand inside itself so often that there are `depth` of it. */
export function createWriter(builder: Builder, depth: number): Writer {
  let cut = false;
  const around = new Map<string, number>();
  const write: WriteValue = (stated, spot) => {
    const start = builder.node();
    const places = stated.map((place) => behindReferences(builder.context, place));
    const key = keyOf(builder.context, places);
    const levels = around.get(key) ?? 0;
    if (levels >= (key === '' ? FREE_DEPTH : depth)) {
      if (key === '' || cut) return start;
      cut = true;
      const { work } = builder.context;
      if (depth > 1) work.left = Math.min(work.left, RECURSION_WORK);
      return start;
    }
    if (spot.depth > NESTING_LIMIT) {
      const pointer = stated[0]?.pointer ?? builder.context.document.root.pointer;
      const detail = `The schema at ${pointer} stands inside more than ${NESTING_LIMIT} arrays and objects.`;
      throw problem('limit_exceeded', detail, { pointer });
    }
    around.set(key, levels + 1);
    for (const alternative of alternativesOf(builder.context, places)) {
      builder.fork(start, writeAlternative(builder, alternative, spot, write));
    }
    around.set(key, levels);
    return start;
  };
  return { write, cut: () => cut };
}

function writeAlternative(builder: Builder, alternative: Alternative, spot: Spot, value: WriteValue): number {
  switch (alternative.kind) {
    case 'constant':
      return writeConstant(builder, alternative.value, spot);
    case 'null':
      return literal(builder, 'null', spot.next);
    case 'boolean': {
      const start = builder.node();
      for (const text of ['true', 'false']) builder.fork(start, literal(builder, text, spot.next));
      return start;
    }
    case 'number':
      return writeNumber(builder, alternative, spot.next);
    case 'string':
      return writeString(builder, alternative, spot.next);
    case 'array':
      return writeArray(builder, alternative, spot, value);
    case 'object':
      return writeObject(builder, alternative, spot, value);
  }
}

/** One value, spelled as `JSON.stringify` does, white space aside. */
function writeConstant(builder: Builder, value: unknown, { depth, next }: Spot): number {
  const list = Array.isArray(value);
  if (!list && !isRecord(value)) return literal(builder, JSON.stringify(value), next);
  const members: readonly (readonly [string, unknown])[] = list
    ? value.map((item: unknown) => ['', item])
    : Object.entries(value).map(([name, item]) => [`${JSON.stringify(name)}:`, item]);
  const [before, after] = list ? ['[', ']'] : ['{', '}'];
  if (members.length === 0) return literal(builder, before + after, next);
  let to = space(builder, depth, literal(builder, after, next));
  [...members].reverse().forEach(([name, item], i) => {
    const written = writeConstant(builder, item, { depth: depth + 1, next: to });
    const member = name === '' ? written : literal(builder, name, gap(builder, written));
    const spaced = space(builder, depth + 1, member);
    to = builder.node();
    builder.read(to, only(i === members.length - 1 ? before : ','), spaced);
  });
  return to;
}

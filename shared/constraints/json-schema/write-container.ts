/**
 * Arrays and objects: brackets, commas, white space, and the number of members on a counter.
 *
 * The counter of a container is the number of its commas so far. Properties are written in declared order, optional ones
 * left out or not: a chain with edges that skip.
 */
import type { ArraySet, ObjectSet } from './alternative.ts';
import type { Place } from './document.ts';
import { type Builder, type Effect, OPEN_END } from './graph.ts';
import { gap, literal, only, space } from './text.ts';

/** Where a value is written: containers around it, and the node behind it. */
export interface Spot {
  readonly depth: number;
  readonly next: number;
}

/** Writes a value all these schemas accept; returns where it begins. */
export type WriteValue = (places: readonly Place[], spot: Spot) => number;

/** Effects of a comma and of the closing bracket where members are counted. */
interface Commas {
  readonly counters: readonly number[];
  readonly comma: Effect;
  readonly close: Effect;
}

/** `min` 0 and `max` Infinity: not bounded on that side. */
function commasOf(builder: Builder, depth: number, min: number, max: number): Commas {
  const bounded = max !== Number.POSITIVE_INFINITY;
  if (min <= 1 && !bounded) return { counters: [], comma: {}, close: {} };
  const counter = builder.counter(`commas ${depth}`, bounded ? max - 1 : min - 1, !bounded);
  return {
    counters: [counter],
    comma: {
      guards: bounded ? [{ counter, min: 0, max: max - 2 }] : [],
      updates: [{ counter, operation: 'add', value: 1 }],
    },
    close: { guards: min > 1 ? [{ counter, min: min - 1, max: OPEN_END }] : [] },
  };
}

/** Writes the arrays of a set. */
export function writeArray(builder: Builder, set: ArraySet, { depth, next }: Spot, value: WriteValue): number {
  const { min, max, prefix, contains } = set;
  const start = builder.node();
  const opened = builder.node();
  builder.read(start, only('['), opened);
  if (min === 0) builder.read(opened, only(']'), next);
  if (max === 0) return start;
  const needed = contains?.min ?? 0;
  // Behind the prefix all items are alike: members are counted unless one item is the only one there may be.
  const repeats = max > prefix + 1;
  const last = max > prefix ? prefix : prefix - 1;
  const counted = repeats && (min > prefix + 1 || max !== Number.POSITIVE_INFINITY);
  const commas = commasOf(builder, depth, counted ? min : 0, counted ? max : Number.POSITIVE_INFINITY);
  return builder.within(commas.counters, () => {
    const close = builder.node();
    builder.read(close, only(']'), next, commas.close);
    const closing = space(builder, depth, close);
    const bare = { updates: commas.comma.updates };
    // One row for each number of items found that contains asks for.
    const behind = Array.from({ length: needed + 1 }, () => Array.from({ length: last + 1 }, () => builder.node()));
    for (let found = needed; found >= 0; found--) {
      for (let index = last; index >= 0; index--) {
        const entry = builder.node();
        const places = set.item(index);
        builder.fork(entry, value(places, { depth: depth + 1, next: behind[found][index] }));
        if (contains !== undefined && found < needed) {
          const to = behind[found + 1][index];
          builder.fork(entry, value([...places, contains.place], { depth: depth + 1, next: to }));
        }
        const before = space(builder, depth + 1, entry);
        if (index === 0 && found === 0) builder.fork(opened, before);
        if (index > 0) builder.read(behind[found][index - 1], only(','), before, bare);
        if (index === prefix && repeats) builder.read(behind[found][index], only(','), before, commas.comma);
        const enough = counted && index === prefix ? true : index + 1 >= min;
        if (found === needed && enough) builder.fork(behind[found][index], closing);
      }
    }
    return start;
  });
}

/** Writes the objects of a set. */
export function writeObject(builder: Builder, set: ObjectSet, { depth, next }: Spot, value: WriteValue): number {
  const { keys, min, max } = set;
  const start = builder.node();
  const opened = builder.node();
  builder.read(start, only('{'), opened);
  const required = keys.filter((key) => key.required).length;
  if (required === 0 && min === 0) builder.read(opened, only('}'), next);
  if (max === 0 || keys.length === 0) return start;
  const commas = commasOf(
    builder,
    depth,
    min > Math.max(1, required) ? min : 0,
    max < keys.length ? max : Number.POSITIVE_INFINITY,
  );
  return builder.within(commas.counters, () => {
    const close = builder.node();
    builder.read(close, only('}'), next, commas.close);
    const closing = space(builder, depth, close);
    // From the last key to the first: `from` writes this key or a later one, `behind` goes on after a member.
    let from: number | undefined;
    // The object may close behind a member when no key after it is required.
    let behind = builder.node();
    let closable = true;
    builder.fork(behind, closing);
    for (const key of [...keys].reverse()) {
      const member = gap(builder, value(key.places, { depth: depth + 1, next: behind }));
      const entry = builder.node();
      builder.fork(entry, literal(builder, `${JSON.stringify(key.name)}:`, member));
      if (!key.required && from !== undefined) builder.fork(entry, from);
      const before = builder.node();
      builder.read(before, only(','), space(builder, depth + 1, entry), commas.comma);
      closable &&= !key.required;
      if (closable) builder.fork(before, closing);
      from = entry;
      behind = before;
    }
    if (from !== undefined) builder.fork(opened, space(builder, depth + 1, from));
    return start;
  });
}

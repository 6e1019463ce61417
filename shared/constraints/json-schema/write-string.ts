/**
 * Strings as JSON writes them: quotes, escapes, lengths in characters on a counter.
 */
import type { Guard, Update } from '../automaton.ts';
import { type CodePointSet, complement, contains, intersection, LAST_CODE_POINT, of, union } from '../code-points.ts';
import type { TextMachine } from '../utf8.ts';
import type { StringSet } from './alternative.ts';
import { spend } from './context.ts';
import { type Builder, type Effect, OPEN_END } from './graph.ts';
import { formatLength, stringKey, stringMachine } from './string-machine.ts';
import { only } from './text.ts';

/** Characters that stand for themselves in a string. */
const RAW: CodePointSet = complement(of(0x00, 0x1f, 0x22, 0x22, 0x5c, 0x5c));
const HEX = of(0x30, 0x39, 0x41, 0x46, 0x61, 0x66);
/** First hexadecimal digits that are not those of a surrogate. */
const HEX_BUT_D = of(0x30, 0x39, 0x41, 0x43, 0x45, 0x46, 0x61, 0x63, 0x65, 0x66);
const SHORT_ESCAPES: ReadonlyMap<string, number> = new Map([
  ['"', 0x22],
  ['\\', 0x5c],
  ['b', 0x08],
  ['f', 0x0c],
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
]);
const ESCAPABLE = union(...[...SHORT_ESCAPES.keys(), '/'].map(only));

/** What each character does to the length, and what the length must be at the end. */
interface Length {
  readonly counters: readonly number[];
  readonly each: Effect;
  readonly end: Effect;
}

function lengthOf(builder: Builder, min: number, max: number): Length {
  const bounded = max !== Number.POSITIVE_INFINITY;
  if (min === 0 && !bounded) return { counters: [], each: {}, end: {} };
  const counter = builder.counter('characters', bounded ? max : min, !bounded);
  return {
    counters: [counter],
    each: {
      guards: bounded ? [{ counter, min: 0, max: max - 1 }] : [],
      updates: [{ counter, operation: 'add', value: 1 }],
    },
    end: { guards: min > 0 ? [{ counter, min, max: OPEN_END }] : [] },
  };
}

/** Writes the strings of a set, then goes on at `next`; returns where they begin. */
export function writeString(builder: Builder, set: StringSet, next: number): number {
  const start = builder.node();
  const machine = stringMachine(builder.context, set);
  const max = Math.min(set.maxLength, formatLength(set));
  const length = lengthOf(builder, set.minLength, max);
  const first =
    machine === undefined
      ? builder.within(length.counters, () => anyString(builder, length, max, next))
      : patterned(builder, machine, stringKey(set), length, next);
  builder.read(start, only('"'), first);
  return start;
}

/** Any characters, raw or escaped (no surrogates). */
function anyString(builder: Builder, { each, end }: Length, max: number, next: number): number {
  const inside = builder.node();
  builder.read(inside, only('"'), next, end);
  if (max === 0) return inside;
  const [backslash, u1, u2, u3, u4, d] = Array.from({ length: 6 }, () => builder.node());
  builder.read(inside, RAW, inside, each);
  builder.read(inside, only('\\'), backslash);
  builder.read(backslash, ESCAPABLE, inside, each);
  builder.read(backslash, only('u'), u1);
  builder.read(u1, HEX_BUT_D, u2);
  builder.read(u1, of(0x44, 0x44, 0x64, 0x64), d);
  builder.read(d, of(0x30, 0x37), u3);
  builder.read(u2, HEX, u3);
  builder.read(u3, HEX, u4);
  builder.read(u4, HEX, inside, each);
  return inside;
}

/** How the characters of one class of a machine are written. */
interface Spelling {
  readonly raw: CodePointSet;
  /** Letters behind a backslash. */
  readonly escaped: readonly string[];
  /** Control characters without a letter of their own. */
  readonly controls: readonly number[];
}

const spellings = new WeakMap<TextMachine, readonly Spelling[]>();

/** How each class of a machine is written, as `JSON.stringify` does. */
function spellingsOf(machine: TextMachine): readonly Spelling[] {
  let list = spellings.get(machine);
  if (list === undefined) {
    const { starts, classOf } = machine.partition;
    const bounds: number[][] = Array.from({ length: machine.classes }, () => []);
    starts.forEach((start, i) => {
      if (classOf[i] >= 0) bounds[classOf[i]].push(start, (starts[i + 1] ?? LAST_CODE_POINT + 1) - 1);
    });
    list = bounds.map((pairs) => {
      const set = of(...pairs);
      const controls: number[] = [];
      for (let c = 0; c < 0x20; c++) if (contains(CONTROLS, c) && contains(set, c)) controls.push(c);
      const escaped = [...SHORT_ESCAPES].filter(([, c]) => contains(set, c)).map(([letter]) => letter);
      return { raw: intersection(set, RAW), escaped, controls };
    });
    spellings.set(machine, list);
  }
  return list;
}

/** A machine over the value, spelled with the escapes that `JSON.stringify` writes. */
function patterned(builder: Builder, machine: TextMachine, key: string, length: Length, next: number): number {
  // Every string of the same patterns runs through the same states, so they share counters.
  const slots = machine.counters.map(({ max, saturates }, i) => builder.counter(`${key} ${i}`, max, saturates));
  const guardsOf = (guards: readonly Guard[]) =>
    guards.map((guard) => ({ ...guard, counter: slots[guard.counter], max: topOf(machine, guard) }));
  const updatesOf = (updates: readonly Update[]) =>
    updates.map((update) => ({ ...update, counter: slots[update.counter] }));
  const spelled = spellingsOf(machine);
  return builder.within([...slots, ...length.counters], () => {
    const nodes = Array.from({ length: machine.states }, () => builder.node());
    for (let state = 0; state < machine.states; state++) {
      /** All ways to write a character of a class, from one node. */
      const take = (from: number, set: CodePointSet, symbol: number) => {
        for (const arc of machine.arcs(state, symbol)) {
          spend(builder.context, 1);
          builder.read(from, set, nodes[arc.to], {
            guards: [...guardsOf(arc.guards), ...(length.each.guards ?? [])],
            updates: [...updatesOf(arc.updates), ...(length.each.updates ?? [])],
          });
        }
      };
      const escaped: [string, number][] = [];
      const controls: [number, number][] = [];
      for (let symbol = 0; symbol < machine.classes; symbol++) {
        if (machine.arcs(state, symbol).length === 0) continue;
        const { raw, ...backslashed } = spelled[symbol];
        take(nodes[state], raw, symbol);
        for (const letter of backslashed.escaped) escaped.push([letter, symbol]);
        for (const control of backslashed.controls) controls.push([control, symbol]);
      }
      if (escaped.length + controls.length > 0) {
        const behind = builder.node();
        builder.read(nodes[state], only('\\'), behind);
        for (const [character, symbol] of escaped) take(behind, only(character), symbol);
        if (controls.length > 0) writeControls(builder, behind, controls, take);
      }
      for (const guards of machine.accepting(state)) {
        builder.read(nodes[state], only('"'), next, { guards: [...guardsOf(guards), ...(length.end.guards ?? [])] });
      }
    }
    return nodes[machine.start];
  });
}

function topOf(machine: TextMachine, { counter, max }: Guard): number {
  const { max: top, saturates } = machine.counters[counter];
  return saturates && max >= top ? OPEN_END : max;
}

/** Control characters without a short escape: \u0000 to \u001f. */
const CONTROLS = of(0x00, 0x07, 0x0b, 0x0b, 0x0e, 0x1f);

function writeControls(
  builder: Builder,
  backslash: number,
  controls: readonly (readonly [number, number])[],
  take: (from: number, set: CodePointSet, symbol: number) => void,
): void {
  const [zero, one, high] = [builder.node(), builder.node(), builder.node()];
  builder.read(backslash, only('u'), zero);
  builder.read(zero, only('0'), one);
  builder.read(one, only('0'), high);
  for (const digit of [0, 1]) {
    const low = builder.node();
    builder.read(high, only(String(digit)), low);
    const bySymbol = new Map<number, CodePointSet[]>();
    for (const [codePoint, symbol] of controls) {
      if (codePoint >> 4 !== digit) continue;
      const hex = (codePoint & 15).toString(16);
      const list = bySymbol.get(symbol) ?? [];
      list.push(only(hex), only(hex.toUpperCase()));
      bySymbol.set(symbol, list);
    }
    for (const [symbol, sets] of bySymbol) take(low, union(...sets), symbol);
  }
}

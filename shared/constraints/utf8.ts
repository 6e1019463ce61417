/**
 * Machines over code points, and their expansion to bytes.
 *
 * Everything the language states about text is first a small machine over classes of code points; products are taken
 * there. Only the end result is spelled out in UTF-8, with inner states shared wherever the rest of the bytes leads the
 * same way. Guards and updates stand on the last byte of a character, where its class is known.
 */

import { problem } from '../contract/problem.ts';
import {
  type Acceptance,
  type Arc,
  type ByteAutomaton,
  fromTable,
  type Machine,
  type MachineTable,
  NEVER,
  NO_ARCS,
  product,
  STATE_LIMIT,
} from './automaton.ts';
import { ANY, LAST_CODE_POINT, type Partition, partition, refine } from './code-points.ts';

/** A machine whose symbols are classes of Unicode scalar values. */
export interface TextMachine extends Machine {
  readonly partition: Partition;
}

/** The machine of the texts both accept; a's counters come first. */
export function intersectText(a: TextMachine, b: TextMachine): TextMachine {
  const { partition, pairs } = refine(a.partition, b.partition);
  return { ...product(a, b, pairs), partition };
}

/** The same machine with classes joined that no state tells apart. */
export function joinClasses(machine: TextMachine): TextMachine {
  const { states, classes, partition } = machine;
  const labels = new Map<string, number>();
  const cache = new Map<readonly Arc[], number>();
  const labelOf = (row: readonly Arc[]): number => {
    let label = cache.get(row);
    if (label === undefined) {
      const key = row.length === 0 ? '' : JSON.stringify(row);
      label = labels.get(key) ?? labels.size;
      labels.set(key, label);
      cache.set(row, label);
    }
    return label;
  };
  let block = new Int32Array(classes);
  let blocks = Math.min(1, classes);
  for (let state = 0; state < states && blocks < classes; state++) {
    const ids = new Map<number, number>();
    const next = new Int32Array(classes);
    for (let c = 0; c < classes; c++) {
      const key = block[c] * 0x1000000 + labelOf(machine.arcs(state, c));
      const id = ids.get(key) ?? ids.size;
      ids.set(key, id);
      next[c] = id;
    }
    block = next;
    blocks = ids.size;
  }
  if (blocks === classes) return machine;
  const sample = new Int32Array(blocks);
  for (let c = classes - 1; c >= 0; c--) sample[block[c]] = c;
  const joined: Partition = {
    starts: partition.starts,
    classOf: partition.classOf.map((c) => (c < 0 ? c : block[c])),
    classes: blocks,
  };
  return { ...machine, classes: blocks, partition: joined, arcs: (state, c) => machine.arcs(state, sample[c]) };
}

/** A machine with the meaning of its classes. */
export function overCodePoints(machine: Machine, partition: Partition): TextMachine {
  return { ...machine, partition };
}

/** Bytes of the first and last character of each UTF-8 length. */
const LENGTHS = [
  { low: 0, high: 0x7f, bytes: 1 },
  { low: 0x80, high: 0x7ff, bytes: 2 },
  { low: 0x800, high: 0xffff, bytes: 3 },
  { low: 0x10000, high: LAST_CODE_POINT, bytes: 4 },
] as const;

/** A node of the byte tree of one state: where each byte leads, in sorted ranges. */
type Ranges = { low: number; high: number; to: number }[];

const origins = new WeakMap<ByteAutomaton, TextMachine>();

/** The machine over code points that `toBytes` made an automaton from, where it did. */
export function textMachineOf(automaton: ByteAutomaton): TextMachine | undefined {
  return origins.get(automaton);
}

const anything: MachineTable = {
  start: 0,
  classes: 1,
  counters: [],
  arcs: [[{ to: 0, guards: [], updates: [] }]],
  accepting: [[[]]],
};

/** Accepts any bytes; for places where another automaton already sees to well-formed UTF-8. */
export const ANY_BYTES: ByteAutomaton = { ...fromTable(anything), byteClass: new Uint8Array(256) };
origins.set(ANY_BYTES, overCodePoints(fromTable(anything), partition([ANY]).partition));

/** Spells a text machine out in UTF-8 bytes. Throws limit_exceeded over STATE_LIMIT states. */
export function toBytes(machine: TextMachine): ByteAutomaton {
  const { partition, classes } = machine;
  const rows: Ranges[] = [];
  const shared = new Map<string, number>();
  const arcIds = new Map<string | number, number>();
  const arcLists: (readonly Arc[])[] = [];

  // A leaf is written as ~id of its list of arcs, an inner node by its number.
  const leafOf = (arcs: readonly Arc[]): number => {
    const plain = arcs.length === 1 && arcs[0].guards.length === 0 && arcs[0].updates.length === 0;
    const key = plain ? arcs[0].to : JSON.stringify(arcs);
    let id = arcIds.get(key);
    if (id === undefined) {
      id = arcLists.length;
      arcIds.set(key, id);
      arcLists.push(arcs);
    }
    return ~id;
  };
  const innerOf = (ranges: Ranges): number => {
    let key = '';
    for (const r of ranges) key += `${r.low}-${r.high}>${r.to};`;
    let id = shared.get(key);
    if (id === undefined) {
      id = rows.length;
      if (machine.states + id > STATE_LIMIT) {
        throw problem('limit_exceeded', `The constraints together need more than ${STATE_LIMIT} byte states.`);
      }
      shared.set(key, id);
      rows.push(ranges);
    }
    return id;
  };
  const add = (ranges: Ranges, low: number, high: number, to: number) => {
    const last = ranges[ranges.length - 1];
    if (last !== undefined && last.to === to && last.high + 1 === low) last.high = high;
    else ranges.push({ low, high, to });
  };
  type Segments = { low: number; high: number; leaf: number }[];
  // The node that reads the last `depth` continuation bytes of the characters base..base + 64^depth - 1.
  const continuation = (segments: Segments, depth: number, base: number, from: number): number => {
    const size = 64 ** (depth - 1);
    const ranges: Ranges = [];
    let i = from;
    for (let digit = 0; digit < 64; digit++) {
      const low = base + digit * size;
      const high = low + size - 1;
      while (i < segments.length && segments[i].high < low) i++;
      if (i >= segments.length || segments[i].low > high) continue;
      let to: number;
      if (depth === 1) to = segments[i].leaf;
      else if (segments[i].low <= low && segments[i].high >= high) to = uniform(segments[i].leaf, depth - 1);
      else to = continuation(segments, depth - 1, low, i);
      add(ranges, 0x80 + digit, 0x80 + digit, to);
    }
    return innerOf(ranges);
  };
  const uniformNodes = new Map<number, number>();
  const uniform = (leaf: number, depth: number): number => {
    const key = leaf * 4 - depth;
    let node = uniformNodes.get(key);
    if (node === undefined) {
      node = innerOf([{ low: 0x80, high: 0xbf, to: depth === 1 ? leaf : uniform(leaf, depth - 1) }]);
      uniformNodes.set(key, node);
    }
    return node;
  };
  const leads: Ranges[] = [];
  for (let state = 0; state < machine.states; state++) {
    const leafOfClass = new Int32Array(classes);
    for (let c = 0; c < classes; c++) {
      const arcs = machine.arcs(state, c);
      leafOfClass[c] = arcs.length === 0 ? 0 : leafOf(arcs);
    }
    const segments: Segments = [];
    for (let i = 0; i < partition.starts.length; i++) {
      const id = partition.classOf[i];
      if (id < 0 || leafOfClass[id] === 0) continue;
      const high = i + 1 < partition.starts.length ? partition.starts[i + 1] - 1 : LAST_CODE_POINT;
      const last = segments[segments.length - 1];
      if (last !== undefined && last.high + 1 === partition.starts[i] && last.leaf === leafOfClass[id])
        last.high = high;
      else segments.push({ low: partition.starts[i], high, leaf: leafOfClass[id] });
    }
    const row: Ranges = [];
    let from = 0;
    for (const { low, high, bytes } of LENGTHS) {
      if (bytes === 1) {
        for (const s of segments) if (s.low <= high) add(row, s.low, Math.min(s.high, high), s.leaf);
        continue;
      }
      const size = 64 ** (bytes - 1);
      const firstLead = bytes === 2 ? 0xc0 : bytes === 3 ? 0xe0 : 0xf0;
      for (let digit = 0; digit * size <= high; digit++) {
        const start = Math.max(low, digit * size);
        const end = Math.min(high, (digit + 1) * size - 1);
        if (end < low) continue;
        while (from < segments.length && segments[from].high < start) from++;
        if (from >= segments.length) break;
        const s = segments[from];
        if (s.low > end) continue;
        const whole = start === digit * size && end === (digit + 1) * size - 1 && s.low <= start && s.high >= end;
        const clipped = () => {
          const inside: Segments = [];
          for (let k = from; k < segments.length && segments[k].low <= end; k++) {
            inside.push({
              low: Math.max(segments[k].low, start),
              high: Math.min(segments[k].high, end),
              leaf: segments[k].leaf,
            });
          }
          return inside;
        };
        const to = whole ? uniform(s.leaf, bytes - 1) : continuation(clipped(), bytes - 1, digit * size, 0);
        add(row, firstLead + digit, firstLead + digit, to);
      }
    }
    leads.push(row);
  }
  const automaton = spell(machine, leads, rows, arcLists);
  origins.set(automaton, machine);
  return automaton;
}

/** Joins the state rows and the inner rows into one automaton over byte classes. */
function spell(machine: TextMachine, leads: Ranges[], rows: Ranges[], arcLists: (readonly Arc[])[]): ByteAutomaton {
  const all = [...leads, ...rows];
  const cuts = new Uint8Array(257);
  for (const ranges of all) {
    for (const { low, high } of ranges) {
      cuts[low] = 1;
      cuts[high + 1] = 1;
    }
  }
  // Columns that agree in every row are one class.
  const intervals: number[] = [];
  for (let byte = 0; byte < 256; byte++) if (byte === 0 || cuts[byte] === 1) intervals.push(byte);
  const count = intervals.length;
  const intervalOf = new Uint8Array(256);
  for (let i = 0; i < count; i++) intervalOf.fill(i, intervals[i], i + 1 < count ? intervals[i + 1] : 256);
  const DEAD = 0x7fffffff;
  const table = new Int32Array(all.length * count).fill(DEAD);
  all.forEach((ranges, state) => {
    for (const { low, high, to } of ranges) {
      table.fill(to, state * count + intervalOf[low], state * count + intervalOf[high] + 1);
    }
  });
  let classOfInterval = new Int32Array(count);
  let classes = count === 0 ? 0 : 1;
  for (let state = 0; state < all.length && classes < count; state++) {
    const seen = new Map<number, Map<number, number>>();
    const next = new Int32Array(count);
    let id = 0;
    for (let i = 0; i < count; i++) {
      let inner = seen.get(classOfInterval[i]);
      if (inner === undefined) {
        inner = new Map();
        seen.set(classOfInterval[i], inner);
      }
      const to = table[state * count + i];
      let known = inner.get(to);
      if (known === undefined) {
        known = id++;
        inner.set(to, known);
      }
      next[i] = known;
    }
    classOfInterval = next;
    classes = id;
  }
  const sample = new Int32Array(classes);
  for (let i = count - 1; i >= 0; i--) sample[classOfInterval[i]] = i;
  const states = machine.states;
  const plain: (readonly Arc[])[] = rows.map((_, node) => [{ to: states + node, guards: [], updates: [] }]);
  const arcs: (readonly Arc[])[] = [];
  for (let state = 0; state < all.length; state++) {
    for (let c = 0; c < classes; c++) {
      const to = table[state * count + sample[c]];
      arcs.push(to === DEAD ? NO_ARCS : to < 0 ? arcLists[~to] : plain[to]);
    }
  }
  const accepting: Acceptance[] = [];
  for (let state = 0; state < states; state++) accepting.push(machine.accepting(state));
  for (let node = 0; node < rows.length; node++) accepting.push(NEVER);
  const byteClass = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) byteClass[byte] = classOfInterval[intervalOf[byte]];
  const { start, counters } = machine;
  return { ...fromTable({ start, classes, counters, arcs, accepting }), byteClass };
}

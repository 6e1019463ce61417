/**
 * The alphabet of a scene: characters (or bytes) grouped so that no part of the constraint tells the members of a group
 * apart, each group with one character to stand for it.
 */
import type { Machine } from './automaton.ts';
import { classAt, type Partition, refine } from './code-points.ts';

/** Columns over the symbols: the class of each in every part, what stands for it, its fewest bytes. */
export interface Symbols {
  readonly hole: Int32Array;
  readonly whole: Int32Array;
  readonly phrases: readonly Int32Array[];
  readonly texts: readonly (readonly number[])[];
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** Characters that stand for their class, and first in the search: a text found is to look like one. */
const PREFERRED = 'eatonisrlhdcumpfgwybvkxjqzEATONISRLHDCUMPFGWYBVKXJQZ1234567890 .,!?\'"-:;';
const rankOf = (symbol: number): number => {
  const rank = symbol < 0x80 ? PREFERRED.indexOf(String.fromCharCode(symbol)) : -1;
  return rank < 0 ? PREFERRED.length + symbol : rank;
};

/** Bytes of a character in UTF-8. */
export function byteLength(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
}

/** A machine with a way to classify symbols. */
export interface Part {
  readonly machine: Machine;
  readonly partition: Partition;
}

/** Classes of bytes in the form of classes of code points. */
export function bytePartition(classes: Uint8Array): Partition {
  const starts = Array.from(classes, (_, byte) => byte);
  return { starts: [...starts, 256], classOf: [...classes, -1], classes: Math.max(...classes) + 1 };
}

/** The symbols that hole, whole text and phrases tell apart. */
export function joint(hole: Part, whole: Part, phrases: readonly Part[], inBytes: boolean): Symbols {
  const parts = [hole, whole, ...phrases];
  let partition = parts[0].partition;
  let tuples: number[][] = Array.from({ length: partition.classes }, (_, c) => [c]);
  for (const part of parts.slice(1)) {
    const refined = refine(partition, part.partition);
    tuples = refined.pairs.map(([a, b]) => [...tuples[a], b]);
    partition = refined.partition;
  }
  const sample = new Int32Array(tuples.length).fill(-1);
  for (const character of PREFERRED) {
    const codePoint = character.codePointAt(0) as number;
    const c = classAt(partition, codePoint);
    if (c >= 0 && sample[c] < 0) sample[c] = codePoint;
  }
  for (let codePoint = 0x20; codePoint < 0x80; codePoint++) {
    const c = classAt(partition, codePoint);
    if (c >= 0 && sample[c] < 0) sample[c] = codePoint;
  }
  partition.starts.forEach((start, i) => {
    const c = partition.classOf[i];
    if (c >= 0 && sample[c] < 0) sample[c] = start;
  });
  const order = Array.from(sample, (symbol, c) => ({ c, rank: rankOf(symbol) })).sort((a, b) => a.rank - b.rank);
  tuples = order.map(({ c }) => tuples[c]);
  const samples = Int32Array.from(order, ({ c }) => sample[c]);
  return {
    hole: Int32Array.from(tuples, (tuple) => tuple[0]),
    whole: Int32Array.from(tuples, (tuple) => tuple[1]),
    phrases: phrases.map((_, i) => Int32Array.from(tuples, (tuple) => tuple[i + 2])),
    texts: Array.from(samples, (symbol) => [symbol]),
    bytes: Uint8Array.from(samples, (c) => (inBytes ? 1 : byteLength(c))),
    count: tuples.length,
  };
}

/**
 * What a lattice reads of a model's rows: the classes of each position, and the probabilities of a few tokens by name.
 */
import type { Lattice } from './lattice.ts';
import type { TokenClasses } from './masses.ts';
import { spellings, type Vocabulary } from './vocabulary.ts';

export interface RowReading {
  /** The lift whose classes are wanted, one for each position. */
  readonly lifts: readonly TokenClasses[];
  /** Tokens whose own probability is read, ascending. */
  readonly watched: Int32Array;
}

/** What is read at `positions`, all of them in holes; `spelled` are texts whose tokens are weighed one by one. */
export function readingOf(
  { holes, eos }: Lattice,
  positions: Int32Array,
  spelled: readonly string[],
  vocabulary: Vocabulary,
): RowReading {
  const lifts = Array.from(positions, (position) => {
    const hole = holes.find(({ first, length }) => position >= first && position < first + length);
    if (hole === undefined) throw new Error(`position ${position} lies in no hole`);
    return hole.graph.lift;
  });
  const watched = new Set([eos]);
  for (const text of spelled) addTokens(new TextEncoder().encode(text), vocabulary, watched);
  return { lifts, watched: Int32Array.from(watched).sort() };
}

/** Adds every token that spells some part of the bytes. */
export function addTokens(bytes: Uint8Array, vocabulary: Vocabulary, into: Set<number>): void {
  for (let from = 0; from < bytes.length; from++) {
    spellings(bytes, from, vocabulary, (_until, token) => into.add(token));
  }
}

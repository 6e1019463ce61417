/**
 * What a lattice reads of a model's rows: the classes of each position, and the probabilities of a few tokens by name.
 */
import type { Lattice } from './lattice.ts';
import type { TokenClasses } from './masses.ts';
import type { Vocabulary } from './vocabulary.ts';

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

/** Every token that spells some part of the bytes. */
function addTokens(bytes: Uint8Array, { nodeByte, nodeEnd, tokenStart, tokens }: Vocabulary, into: Set<number>): void {
  for (let from = 0; from < bytes.length; from++) {
    let trie = 0;
    for (let i = from; i < bytes.length; i++) {
      let child = trie + 1;
      while (child < nodeEnd[trie] && nodeByte[child] !== bytes[i]) child = nodeEnd[child];
      if (child >= nodeEnd[trie]) break;
      trie = child;
      for (let t = tokenStart[trie]; t < tokenStart[trie + 1]; t++) into.add(tokens[t]);
    }
  }
}

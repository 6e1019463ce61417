/**
 * Small random constraints and an enumeration of all their texts: the yardstick of the lattice.
 */

import type { Uniform } from '../../../bench/random-requests.ts';
import { buildFrame, buildLattice, type Frame, type HolePart } from '../../../gpu-backend/lattice/assemble.ts';
import type { Lattice } from '../../../gpu-backend/lattice/lattice.ts';
import { buildVocabulary, type Vocabulary } from '../../../gpu-backend/lattice/vocabulary.ts';
import { type Arc, type ByteAutomaton, type Counter, fromTable, run } from '../../../shared/constraints/automaton.ts';

const below = (random: Uniform, n: number) => Math.floor(random() * n);
const LETTERS = [97, 98, 99];

/** A random deterministic automaton over a, b, c; with `counted`, an additive counter and an upper or lower bound on it. */
export function randomAutomaton(random: Uniform, counted: 'none' | 'bounded' | 'saturating'): ByteAutomaton {
  const states = 1 + below(random, 4);
  const bound = 2 + below(random, 12);
  const counters: Counter[] =
    counted === 'none' ? [] : [{ name: 'n', max: bound, saturates: counted === 'saturating' }];
  const arcs: Arc[][] = [];
  for (let state = 0; state < states; state++) {
    for (let k = 0; k < 4; k++) {
      if (k === 3 || random() < 0.15) {
        arcs.push([]);
        continue;
      }
      const add = below(random, 3);
      const to = below(random, states);
      if (counted === 'none' || add === 0) arcs.push([{ to, guards: [], updates: [] }]);
      else {
        const guards = counted === 'bounded' ? [{ counter: 0, min: 0, max: bound - add }] : [];
        arcs.push([{ to, guards, updates: [{ counter: 0, operation: 'add', value: add }] }]);
      }
    }
  }
  const accepting = Array.from({ length: states }, () => {
    if (random() < 0.4) return [];
    if (counted === 'none') return [[]];
    const min = below(random, bound + 1);
    return [[{ counter: 0, min, max: counted === 'saturating' ? bound : min + below(random, bound + 1 - min) }]];
  });
  const byteClass = new Uint8Array(256).fill(3);
  for (const [k, letter] of LETTERS.entries()) byteClass[letter] = k;
  return { ...fromTable({ start: 0, classes: 4, counters, arcs, accepting }), byteClass };
}

/** Tokens over a, b, c, of one to three bytes; the last id is the end of text. */
export function randomVocabulary(random: Uniform): Vocabulary {
  const words = [...LETTERS.map((letter) => [letter])];
  while (words.length < 3 + below(random, 3)) {
    words.push(Array.from({ length: 2 + below(random, 2) }, () => LETTERS[below(random, 3)]));
  }
  return buildVocabulary([...words.map((word) => Uint8Array.from(word)), new Uint8Array(0)], words.length);
}

export interface RandomCase {
  readonly vocabulary: Vocabulary;
  readonly whole: ByteAutomaton;
  readonly before: Uint8Array;
  readonly holes: readonly HolePart[];
  readonly lengths: readonly number[];
  readonly frame: Frame;
  readonly lattice: Lattice;
  readonly positions: number;
}

/** A random case with one to three holes, or undefined when its fixed text alone breaks it. */
export function randomCase(random: Uniform, mostPositions = 6): RandomCase | undefined {
  const kinds = ['none', 'bounded', 'saturating'] as const;
  const vocabulary = randomVocabulary(random);
  const whole = randomAutomaton(random, kinds[below(random, 3)]);
  const holeCount = 1 + below(random, 3);
  const literal = (share: number) =>
    Uint8Array.from({ length: random() < share ? 0 : 1 + below(random, 2) }, () => LETTERS[below(random, 3)]);
  const before = literal(0.6);
  const lengths: number[] = [];
  const holes: HolePart[] = [];
  let left = mostPositions;
  for (let h = 0; h < holeCount; h++) {
    const length = Math.min(left, 1 + below(random, Math.max(1, Math.ceil(mostPositions / holeCount))));
    left -= length;
    lengths.push(length);
    holes.push({
      automaton: randomAutomaton(random, kinds[below(random, 3)]),
      after: literal(0.5),
      most: mostPositions,
    });
  }
  const frame = buildFrame(whole, before, holes, vocabulary);
  if (frame === undefined) return undefined;
  const firsts = lengths.map((_, h) => lengths.slice(0, h).reduce((a, b) => a + b, 0));
  const positions = lengths.reduce((a, b) => a + b, 0);
  const endFrom = random() < 0.3 ? below(random, positions) : 0;
  const endUntil = random() < 0.3 ? endFrom + below(random, positions - endFrom + 1) : positions;
  const lattice = buildLattice(frame, {
    lengths,
    firsts,
    eos: vocabulary.eos,
    endFrom,
    endUntil,
    allowedAt: new Map(),
  });
  return { vocabulary, whole, before, holes, lengths, frame, lattice, positions };
}

/** True when a full canvas satisfies the case, told by running the automata over bytes. */
export function acceptsCanvas(test: RandomCase, tokens: ArrayLike<number>): boolean {
  const { vocabulary, holes, lengths, before, whole } = test;
  const text: number[] = [...before];
  let position = 0;
  for (let h = 0; h < holes.length; h++) {
    const value: number[] = [];
    let ended = false;
    for (let i = 0; i < lengths[h]; i++, position++) {
      const token = tokens[position];
      if (token === vocabulary.eos) {
        if (!(h === holes.length - 1 && holes[h].after.length === 0) || position < test.lattice.endFrom) return false;
        ended = true;
      } else {
        if (ended || position >= test.lattice.endUntil) return false;
        value.push(...vocabulary.bytes[token]);
      }
    }
    if (!run(holes[h].automaton, Uint8Array.from(value))) return false;
    text.push(...value, ...holes[h].after);
  }
  return run(whole, Uint8Array.from(text));
}

/** All accepted full canvases that agree with `canvas`. */
export function enumerate(test: RandomCase, canvas: ArrayLike<number>): number[][] {
  const found: number[][] = [];
  const tokens: number[] = [];
  const go = (position: number) => {
    if (position === test.positions) {
      if (acceptsCanvas(test, tokens)) found.push([...tokens]);
      return;
    }
    const held = canvas[position];
    for (let token = 0; token < test.vocabulary.size; token++) {
      if (held >= 0 && held !== token) continue;
      tokens.push(token);
      go(position + 1);
      tokens.pop();
    }
  };
  go(0);
  return found;
}

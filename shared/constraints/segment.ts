/**
 * The parts of a compiled text: what stands, and what is to be filled.
 */
import type { ByteAutomaton } from './automaton.ts';
import type { Range } from './units.ts';

export interface LiteralSegment {
  readonly kind: 'literal';
  readonly text: string;
  readonly bytes: Uint8Array;
}

export interface HoleSegment {
  readonly kind: 'hole';
  /** '' for the one hole of a request without template. */
  readonly name: string;
  /** Exactly the values of the hole. For the hole '' any bytes: there `whole` says it all. */
  readonly automaton: ByteAutomaton;
  readonly tokens: Range;
}

export type Segment = LiteralSegment | HoleSegment;

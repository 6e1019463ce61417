/**
 * What a walk along the lattice needs to know.
 */
import type { Lattice } from './lattice.ts';
import type { ClassMasses } from './masses.ts';
import type { Moments } from './moments.ts';
import type { Draw, ProposalRows } from './proposal.ts';
import type { Reach } from './reach.ts';
import type { Backward, PositionWeights, Window } from './score.ts';
import type { Best } from './viterbi.ts';

/** Made by createProposer for each proposal. */
export interface Following {
  readonly lattice: Lattice;
  /** The lattice that is scored: `lattice`, or the same without its ruler. */
  readonly active: Lattice;
  readonly reach: Reach;
  /** True when `reach` knows the ruler. */
  readonly ruled: boolean;
  readonly canvas: Int32Array;
  readonly rows: ProposalRows;
  readonly masses: (hole: number, position: number) => ClassMasses;
  readonly weights: (hole: number, layer: number) => PositionWeights;
  readonly windows: readonly (readonly Window[])[];
  readonly sums: Backward;
  readonly best: Best | undefined;
  readonly guide: { readonly moments: Moments; readonly min: number; readonly max: number } | undefined;
  readonly draw: Draw;
}

/**
 * What the loop remembers of one text's earlier steps, for samplers that look back: samplers themselves hold no state.
 */
import type { Proposal, Rows } from './constraint.ts';
import { rowOf } from './rows.ts';
import type { Sampler, StepContext } from './samplers/sampler.ts';

/** Comparisons of a distribution with the one before that `drift` looks back on: KLASS's history length H (arXiv 2511.05664). */
export const DRIFT_COMPARISONS = 2;
// Added to both probabilities, as KLASS does: a token that float32 lost costs 27 nats, not infinitely many.
const LEAST = 1e-12;

export interface Memory {
  /** Takes note of the rows of a new model evaluation. */
  observe(rows: Rows): void;
  /** Takes note that a token of a proposal, by index, was kept. */
  keep(proposal: Proposal, index: number): void;
  /** What a step's context says of earlier steps. */
  recall(proposal: Proposal, kept: Int32Array): Pick<StepContext, 'drift' | 'keptConfidence'>;
}

/** The memory that a sampler declares it needs, of a text of that many positions. */
export function createMemory({ remembers }: Pick<Sampler, 'remembers'>, positions: number): Memory {
  if (remembers === 'drift') return driftMemory(positions);
  if (remembers === 'confidence') return confidenceMemory(positions);
  return { observe() {}, keep() {}, recall: () => ({}) };
}

/**
 * How far distributions moved: KL of the model's row at a position from the row there at the evaluation before.
 *
 * Of the model's rows, not of what the constraint leaves of them. The question is whether the model still changes its mind; a
 * constrained distribution also moves because a neighbour was kept, and it exists only as sums over classes of tokens:
 * writing it out would take masks x vocabulary float64 more at each step.
 */
function driftMemory(positions: number): Memory {
  let before: Rows | undefined;
  /** The last comparisons of each position, newest first. */
  let divergences = new Float64Array(positions * DRIFT_COMPARISONS).fill(Number.POSITIVE_INFINITY);
  return {
    observe(rows) {
      const next = new Float64Array(divergences.length).fill(Number.POSITIVE_INFINITY);
      const rowBefore = new Map(Array.from(before?.positions ?? [], (position, r) => [position, r]));
      rows.positions.forEach((position, r) => {
        const other = rowBefore.get(position);
        if (before === undefined || other === undefined) return; // a position that was not asked for begins anew
        const at = position * DRIFT_COMPARISONS;
        next[at] = divergence(rowOf(rows, r), rowOf(before, other));
        next.set(divergences.subarray(at, at + DRIFT_COMPARISONS - 1), at + 1);
      });
      divergences = next;
      before = { ...rows, probabilities: rows.probabilities.slice() };
    },
    keep() {},
    recall: (proposal) => ({
      drift: Float64Array.from(proposal.positions, (position) =>
        divergences
          .subarray(position * DRIFT_COMPARISONS, (position + 1) * DRIFT_COMPARISONS)
          .reduce((most, value) => Math.max(most, value)),
      ),
    }),
  };
}

function confidenceMemory(positions: number): Memory {
  const confidence = new Float64Array(positions);
  return {
    observe() {},
    keep(proposal, index) {
      confidence[proposal.positions[index]] = proposal.confidence[index];
    },
    recall: (_, kept) => ({ keptConfidence: Float64Array.from(kept, (position) => confidence[position]) }),
  };
}

/** KL(p || q) in nats, summed in float64. */
export function divergence(p: Float32Array, q: Float32Array): number {
  let sum = 0;
  for (let token = 0; token < p.length; token++) {
    if (p[token] > 0) sum += p[token] * Math.log((p[token] + LEAST) / (q[token] + LEAST));
  }
  return sum;
}

/**
 * What the loop remembers of one text's earlier steps, for samplers that look back: samplers themselves hold no state.
 */
import type { MemoryState } from './checkpoint.ts';
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
  /** Takes the rows of the evaluation before as known, in a text that is taken up. */
  recollect(rows: Rows): void;
  /** Its numbers, for `from`; undefined where it has none. */
  state(): MemoryState | undefined;
  /** What a step's context says of earlier steps. */
  recall(proposal: Proposal, kept: Int32Array): Pick<StepContext, 'drift' | 'keptConfidence'>;
}

/**
 * The memory that a sampler declares it needs, of a text of that many positions.
 *
 * @param from the numbers of one that is taken up
 */
export function createMemory({ remembers }: Pick<Sampler, 'remembers'>, positions: number, from?: MemoryState): Memory {
  if (remembers === undefined) return { observe() {}, keep() {}, recollect() {}, state() {}, recall: () => ({}) };
  const size = remembers === 'drift' ? positions * DRIFT_COMPARISONS : positions;
  const numbers = from && Float64Array.from(from, Number);
  if (numbers !== undefined && numbers.length !== size)
    throw new Error(`${numbers.length} numbers remembered of ${size}`);
  return remembers === 'drift' ? driftMemory(size, numbers) : confidenceMemory(size, numbers);
}

/** JSON has no infinities: written as strings they come back as they were. */
const stateOf = (numbers: Float64Array): MemoryState =>
  Array.from(numbers, (value) =>
    Number.isFinite(value) ? value : (String(value) as 'Infinity' | '-Infinity' | 'NaN'),
  );

/**
 * How far distributions moved: KL of the model's row at a position from the row there at the evaluation before.
 *
 * Of the model's rows, not of what the constraint leaves of them. The question is whether the model still changes its mind; a
 * constrained distribution also moves because a neighbour was kept, and it exists only as sums over classes of tokens:
 * writing it out would take masks x vocabulary float64 more at each step.
 */
function driftMemory(size: number, from?: Float64Array): Memory {
  let before: Rows | undefined;
  /** The last comparisons of each position, newest first. */
  let divergences = from ?? new Float64Array(size).fill(Number.POSITIVE_INFINITY);
  const recollect = (rows: Rows) => {
    before = { ...rows, probabilities: rows.probabilities.slice() };
  };
  return {
    recollect,
    state: () => stateOf(divergences),
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
      recollect(rows);
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

function confidenceMemory(size: number, from?: Float64Array): Memory {
  const confidence = from ?? new Float64Array(size);
  return {
    recollect() {},
    state: () => stateOf(confidence),
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

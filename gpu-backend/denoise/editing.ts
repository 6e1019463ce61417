/**
 * The editing of kept tokens in one text: which block is under work, which kept tokens the model would replace, and when that ends.
 *
 * Per block as in LLaDA2.1 (arXiv 2602.08676; SGLang's JointThreshold): once it has no mask, steps go on as long as they replace something,
 * for at most 16 rounds. A text it has been before ends it too, and a wish that was not granted (the constraint forbids that
 * token there, or another was drawn) is not asked for again.
 */
import { type Block, countMasks } from './blocks.ts';
import type { EditingState } from './checkpoint.ts';
import { MASKED, type Proposal, type Rows } from './constraint.ts';
import { likeliestToken } from './gumbel.ts';
import { rowOf } from './rows.ts';
import type { Sampler } from './samplers/sampler.ts';

/** Steps that only edit a block, at most; SGLang's default. */
export const EDIT_ROUNDS = 16;

export interface Editing {
  /** The block to work on at a step (from 1): the first that is not finished; undefined when the text is. */
  block(canvas: Int32Array, step: number): Block | undefined;
  /** Those of the kept positions that are to be replaced, by rows that cover them all; ascending. */
  wanted(sampler: Sampler, canvas: Int32Array, kept: Int32Array, rows: Rows): Int32Array;
  /** Takes note of a step's outcome: the proposal for the positions that were wanted, and the canvas after it. */
  note(canvas: Int32Array, wanted: Int32Array, proposal: Proposal | undefined, replaced: number): void;
  /** Where it stands between two steps, for `from`. */
  state(): EditingState;
}

/** Editing of a text that is worked on in these blocks. */
export function createEditing(blocks: readonly Block[], positions: number, from?: EditingState): Editing {
  let { current, rounds } = from ?? { current: 0, rounds: 0 };
  let finished = false; // never between two steps: the next block is looked for at once
  let seen = new Set(from?.seen);
  /** What the model would have at each kept position at this step. */
  const wish = new Int32Array(positions).fill(MASKED);
  const denied = from === undefined ? new Int32Array(positions).fill(MASKED) : Int32Array.from(from.denied);
  const span = (canvas: Int32Array) => canvas.subarray(blocks[current].from, blocks[current].to);
  return {
    block(canvas, step) {
      while (current < blocks.length) {
        const masked = countMasks(span(canvas)) > 0;
        // Rounds that edit take no step from the blocks behind.
        const hasStep = step <= blocks[current].lastStep;
        if (masked || (hasStep && !finished && seen.size > 0)) return blocks[current];
        current++;
        rounds = 0;
        finished = false;
        seen = new Set();
      }
      return undefined;
    },
    wanted(sampler, canvas, kept, rows) {
      const indexOf = new Map(Array.from(rows.positions, (position, r) => [position, r]));
      const doubt = Float64Array.from(kept, (position) => {
        const row = rowOf(rows, indexOf.get(position)!);
        const likeliest = likeliestToken(row);
        wish[position] = likeliest;
        return likeliest === canvas[position] || likeliest === denied[position] ? 0 : row[likeliest];
      });
      return sampler.edits?.({ kept, doubt }) ?? new Int32Array(0);
    },
    note(canvas, wanted, proposal, replaced) {
      for (const position of wanted) {
        const index = proposal?.positions.indexOf(position) ?? -1;
        if (proposal?.tokens[index] !== wish[position]) denied[position] = wish[position];
      }
      if (countMasks(span(canvas)) > 0) return;
      const state = span(canvas).join();
      // The published loop ends when nothing is to be replaced, or after the last round.
      finished = replaced === 0 || seen.has(state) || rounds >= EDIT_ROUNDS;
      rounds++;
      seen.add(state);
    },
    state: () => ({ current, rounds, seen: [...seen], denied: [...denied] }),
  };
}

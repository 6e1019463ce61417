/**
 * Where the loop of one text gets its rows from: the whole canvas at every step, or, within a block, a window of it beside cached keys
 * and values of the rest (Fast-dLLM, Wu et al., arXiv 2505.22618, section 3.2).
 */
import type { CanvasCache } from '../model/canvas-cache.ts';
import type { Block } from './blocks.ts';
import type { Rows } from './constraint.ts';
import { type Evaluate, type Need, needOf } from './need.ts';
import { pickRows, rowOf } from './rows.ts';
import { createScratch } from './scratch.ts';
import type { Task } from './task.ts';
import { type Span, spanOf, windowNeed } from './window.ts';

export interface RowSource {
  /** Rows of text positions of the canvas, ascending; some of them, outside the block, possibly of an earlier state of the block. */
  rows(canvas: Int32Array, positions: Int32Array, block: Block): Promise<ReadRows>;
  /** Rows of the whole canvas as it is, at temperature 1. */
  untempered(canvas: Int32Array, positions: Int32Array): Promise<Rows>;
  /** Forward passes, twins included, and the positions they went over. */
  readonly counted: { readonly evaluations: number; readonly positions: number };
}

/**
 * Rows when they are called for: what they are put together in is memory of all texts, and between an evaluation's end and whoever
 * awaits it other texts have their turn. To be called and used without awaiting anything between.
 */
export type ReadRows = () => Rows;

/** What is known of a canvas since its last whole evaluation. */
interface Known {
  readonly block: Block;
  readonly canvas: Int32Array;
  readonly caches: readonly CanvasCache[];
  readonly rows: Rows;
}

const NO_ROWS = new Float32Array(0);

/** @param signal when aborted, an evaluation throws its reason */
export function createRowSource(task: Task, evaluate: Evaluate, signal?: AbortSignal): RowSource {
  const { vocabulary } = task.model.session;
  const counted = { evaluations: 0, positions: 0 };
  let known: Known | undefined;

  async function ask(need: Need): Promise<Pick<Rows, 'probabilities' | 'summaries'>> {
    const answer = await evaluate(need);
    signal?.throwIfAborted();
    counted.evaluations += need.base === undefined ? 1 : 2;
    counted.positions += need.ids.length + (need.base?.ids.length ?? 0);
    return answer instanceof Float32Array ? { probabilities: answer } : { probabilities: NO_ROWS, summaries: answer };
  }

  async function whole(canvas: Int32Array, positions: Int32Array, block: Block, span: Span | undefined): Promise<Rows> {
    const need = needOf(task, canvas, positions);
    if (span === undefined) return { positions, vocabulary, ...(await ask(need)) };
    let caches: readonly CanvasCache[] = [];
    const keep = (kept: readonly CanvasCache[]) => {
      caches = kept;
    };
    const rows = { positions, vocabulary, ...(await ask({ ...need, keep })) };
    // Whoever evaluates may keep nothing; then there is nothing to look back on.
    known =
      caches.length === 0
        ? undefined
        : { block, canvas: canvas.slice(), caches, rows: pickRows(rows, (position) => !span.answers(position)) };
    return rows;
  }

  /** What is known, where it still serves: for this block, the same canvas outside the span, rows for all that lies outside. */
  function serving(canvas: Int32Array, positions: Int32Array, block: Block, span: Span): Known | undefined {
    if (known?.block !== block) return undefined;
    for (let i = 0; i < canvas.length; i++) {
      if (canvas[i] !== known.canvas[i] && !span.holds(i)) return undefined;
    }
    const rowsOf = known.rows.positions;
    return positions.every((position) => span.answers(position) || rowsOf.includes(position)) ? known : undefined;
  }

  return {
    counted,
    async rows(canvas, positions, block) {
      const span = spanOf(task, block);
      const old = span && serving(canvas, positions, block, span);
      if (span === undefined || old === undefined) {
        const rows = await whole(canvas, positions, block, span);
        return () => rows;
      }
      const fresh = positions.filter((position) => span.answers(position));
      const answer = await ask(windowNeed(task, canvas, fresh, span, old.caches));
      return () => merge(old.rows, { positions: fresh, vocabulary, ...answer }, positions);
    },
    async untempered(canvas, positions) {
      const need = { ...needOf(task, canvas, positions, true), inverseTemperature: 1 };
      return { positions, vocabulary, ...(await ask(need)) };
    },
  };
}

const scratch = createScratch();

/** Rows of `positions`: the fresh ones where there are some, else the old ones. In memory that the next call overwrites. */
function merge(old: Rows, fresh: Rows, positions: Int32Array): Rows {
  if (fresh.positions.length === positions.length) return fresh;
  const { vocabulary } = fresh;
  const probabilities = scratch(positions.length * vocabulary);
  let next = 0; // of the fresh ones
  let before = 0; // of the old ones
  positions.forEach((position, r) => {
    const isFresh = fresh.positions[next] === position;
    while (!isFresh && old.positions[before] !== position) before++;
    probabilities.set(isFresh ? rowOf(fresh, next++) : rowOf(old, before), r * vocabulary);
  });
  return { positions, vocabulary, probabilities };
}

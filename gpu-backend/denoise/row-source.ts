/**
 * Where the loop of one text gets its rows from: the whole canvas at every step, or, within a block, a window of it beside cached keys
 * and values of the rest (Fast-dLLM, Wu et al., arXiv 2505.22618, section 3.2).
 */
import type { CanvasCache } from '../model/canvas-cache.ts';
import { createScratch } from '../model/scratch.ts';
import { askedPositions, maskedPositions } from './asked.ts';
import type { Block } from './blocks.ts';
import type { RowState } from './checkpoint.ts';
import type { Rows } from './constraint.ts';
import { type Evaluate, type Need, needOf } from './need.ts';
import { pickRows, rowOf } from './rows.ts';
import type { Task } from './task.ts';
import { type Span, spanOf, windowNeed } from './window.ts';

export interface RowSource {
  /** Rows for a step in that block; some of them, outside it, possibly of an earlier state of the block. */
  rows(canvas: Int32Array, block: Block): Promise<ReadRows>;
  /** Rows of the whole canvas as it is, at temperature 1. */
  untempered(canvas: Int32Array): Promise<ReadRows>;
  /** The rows of the last evaluation once more, not counted: for a text that is taken up. */
  again(): Promise<ReadRows>;
  /** Where it stands, for `from`. `readAgain`: whether `again` will be asked. */
  state(readAgain: boolean): RowState;
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
  /** Positions of the rows outside the window. */
  readonly outside: Int32Array;
  /** Missing in a text that was taken up, until a window reads it. */
  readonly kept?: { readonly caches: readonly CanvasCache[]; readonly rows: Rows };
}

/** What an evaluation was. */
type Evaluated =
  | { readonly kind: 'untempered'; readonly canvas: Int32Array }
  | { readonly kind: 'whole' | 'window'; readonly canvas: Int32Array; readonly block: Block };

const NO_ROWS = new Float32Array(0);

export interface RowSourceOptions {
  /** When aborted, an evaluation throws its reason. */
  readonly signal?: AbortSignal;
  /** Where the text is taken up. */
  readonly from?: RowState;
}

export function createRowSource(task: Task, evaluate: Evaluate, { signal, from }: RowSourceOptions = {}): RowSource {
  const { vocabulary } = task.model.session;
  const counted = { evaluations: from?.evaluations ?? 0, positions: from?.positions ?? 0 };
  let known = from?.known && knownFrom(task, from.known);
  let last = from?.last && evaluatedFrom(task, from.last);

  async function ask(need: Need): Promise<Pick<Rows, 'probabilities' | 'summaries'>> {
    const answer = await evaluate(need);
    signal?.throwIfAborted();
    counted.evaluations += need.base === undefined ? 1 : 2;
    counted.positions += need.ids.length + (need.base?.ids.length ?? 0);
    return answer instanceof Float32Array ? { probabilities: answer } : { probabilities: NO_ROWS, summaries: answer };
  }

  /** An evaluation that was counted when it was first made. */
  async function redo<T>(evaluation: () => Promise<T>): Promise<T> {
    const before = { ...counted };
    const result = await evaluation();
    Object.assign(counted, before);
    return result;
  }

  async function untempered(canvas: Int32Array): Promise<ReadRows> {
    const positions = maskedPositions(canvas);
    const need = { ...needOf(task, canvas, positions, true), inverseTemperature: 1 };
    const rows = { positions, vocabulary, ...(await ask(need)) };
    last = { kind: 'untempered', canvas: canvas.slice() };
    return () => rows;
  }

  async function whole(canvas: Int32Array, block: Block): Promise<ReadRows> {
    const positions = askedPositions(task, canvas, block);
    const span = spanOf(task, block);
    const need = needOf(task, canvas, positions);
    let caches: readonly CanvasCache[] = [];
    const keep = (kept: readonly CanvasCache[]) => {
      caches = kept;
    };
    const rows = { positions, vocabulary, ...(await ask(span === undefined ? need : { ...need, keep })) };
    last = { kind: 'whole', canvas: canvas.slice(), block };
    if (span !== undefined) {
      const outside = pickRows(rows, (position) => !span.answers(position));
      // Whoever evaluates may keep nothing; then there is nothing to look back on.
      known =
        caches.length === 0
          ? undefined
          : { block, canvas: canvas.slice(), outside: outside.positions, kept: { caches, rows: outside } };
    }
    return () => rows;
  }

  async function window(canvas: Int32Array, block: Block, span: Span, { kept }: Known): Promise<ReadRows> {
    const { caches, rows: old } = kept ?? (await keptAgain());
    const positions = askedPositions(task, canvas, block);
    const fresh = positions.filter((position) => span.answers(position));
    const answer = await ask(windowNeed(task, canvas, fresh, span, caches));
    last = { kind: 'window', canvas: canvas.slice(), block };
    return () => merge(old, { positions: fresh, vocabulary, ...answer }, positions);
  }

  /** Keys, values and rows of what is known, where the text was taken up without them. */
  async function keptAgain(): Promise<NonNullable<Known['kept']>> {
    const { canvas, block } = known!;
    await redo(() => whole(canvas, block));
    if (known?.kept === undefined) throw new Error('the text was begun beside keys and values, and none are kept here');
    return known.kept;
  }

  /** What is known, where it still serves: for this block, the same canvas outside the span, rows for all that lies outside. */
  function serving(canvas: Int32Array, block: Block, span: Span): Known | undefined {
    if (known?.block !== block) return undefined;
    for (let i = 0; i < canvas.length; i++) {
      if (canvas[i] !== known.canvas[i] && !span.holds(i)) return undefined;
    }
    const { outside } = known;
    const positions = askedPositions(task, canvas, block);
    return positions.every((position) => span.answers(position) || outside.includes(position)) ? known : undefined;
  }

  return {
    counted,
    untempered,
    async rows(canvas, block) {
      const span = spanOf(task, block);
      const old = span && serving(canvas, block, span);
      return span === undefined || old === undefined ? whole(canvas, block) : window(canvas, block, span, old);
    },
    again() {
      if (last === undefined) throw new Error('there was no evaluation to read again');
      const { canvas } = last;
      if (last.kind === 'untempered') return redo(() => untempered(canvas));
      const { block } = last;
      const span = spanOf(task, block);
      if (last.kind === 'whole' || span === undefined || known === undefined) return redo(() => whole(canvas, block));
      const old = known;
      return redo(() => window(canvas, block, span, old));
    },
    state: (readAgain) => ({
      ...counted,
      known: known && { block: task.blocks.indexOf(known.block), canvas: [...known.canvas] },
      last: readAgain && last !== undefined ? writeEvaluated(task, last) : undefined,
    }),
  };
}

function knownFrom(task: Task, { block: index, canvas: tokens }: NonNullable<RowState['known']>): Known {
  const block = task.blocks[index];
  const canvas = Int32Array.from(tokens);
  const span = spanOf(task, block);
  if (span === undefined) throw new Error('the text was begun beside keys and values, and has no windows here');
  return { block, canvas, outside: askedPositions(task, canvas, block).filter((position) => !span.answers(position)) };
}

function evaluatedFrom(task: Task, { kind, block, canvas: tokens }: NonNullable<RowState['last']>): Evaluated {
  const canvas = Int32Array.from(tokens);
  return kind === 'untempered' ? { kind, canvas } : { kind, canvas, block: task.blocks[block!] };
}

function writeEvaluated({ blocks }: Task, evaluated: Evaluated): RowState['last'] {
  const { kind, canvas } = evaluated;
  return { kind, canvas: [...canvas], block: kind === 'untempered' ? undefined : blocks.indexOf(evaluated.block) };
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

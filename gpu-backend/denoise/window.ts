/**
 * The window of a block: which positions are evaluated anew while the block is worked on.
 */
import type { CanvasCache } from '../model/canvas-cache.ts';
import type { Block } from './blocks.ts';
import { canvasTokens } from './canvas.ts';
import { type CanvasRows, logitsOf, type Need } from './need.ts';
import type { Task } from './task.ts';

/** A window in text positions; it may begin before the text, in the conditioning. */
export interface Span {
  readonly first: number;
  readonly size: number;
  /** Whether the token of a text position is read anew. */
  holds(position: number): boolean;
  /** Whether the row of a text position is computed anew: with shift 1, that of the position before. */
  answers(position: number): boolean;
}

// Windows come in few sizes, so that texts share batches.
const MULTIPLE = 8;
/** A window larger than this share of the canvas is not worth what assembling the cache costs. */
const LARGEST_SHARE = 0.75;

/**
 * The window of a block under the task's cache: the block itself (`dual`), or the block and all behind it (`prefix`).
 * Undefined where the whole canvas is to be evaluated.
 */
export function spanOf({ kvCache, layout, constraint, model }: Task, block: Block): Span | undefined {
  if (kvCache === 'none') return undefined;
  const { shift } = model.manifest;
  const end = kvCache === 'dual' ? block.to : constraint.positions;
  const size = Math.ceil((end - block.from + shift) / MULTIPLE) * MULTIPLE;
  const shorter = Math.min(layout.prefix.length, layout.basePrefix?.length ?? layout.prefix.length);
  // The twin's canvas may be shorter, and its window has the same size.
  const first = Math.max(end - size, -shorter);
  if (size > LARGEST_SHARE * (shorter + constraint.positions)) return undefined;
  const holds = (position: number) => position >= first && position < first + size;
  return { first, size, holds, answers: (position) => holds(position - shift) };
}

/** The evaluation of the window alone, for the rows of text positions that it answers. */
export function windowNeed(
  task: Task,
  canvas: Int32Array,
  positions: Int32Array,
  { first, size }: Span,
  [cache, baseCache]: readonly CanvasCache[],
): Need {
  const { layout, model } = task;
  const { shift, tokens } = model.manifest;
  const part = (prefix: Int32Array, of: CanvasCache): CanvasRows => {
    const from = prefix.length + first;
    return {
      ids: canvasTokens(prefix, canvas, tokens.mask).subarray(from, from + size),
      rows: positions.map((position) => position - shift - first),
      window: { first: from, canvas: prefix.length + canvas.length, cache: of },
    };
  };
  return {
    ...part(layout.prefix, cache),
    base: layout.basePrefix && part(layout.basePrefix, baseCache),
    paddedLength: size,
    ...logitsOf(task),
  };
}

/**
 * Which positions the model is asked about, and which of them stand: read off the canvas, so that a canvas alone says what was asked.
 */
import { type Block, countMasks } from './blocks.ts';
import { MASKED } from './constraint.ts';
import type { Task } from './task.ts';

export function maskedPositions(canvas: Int32Array): Int32Array {
  const positions = new Int32Array(countMasks(canvas));
  for (let position = 0, i = 0; position < canvas.length; position++) {
    if (canvas[position] === MASKED) positions[i++] = position;
  }
  return positions;
}

/** Where a sampler may mask again: kept tokens of a block. What the constraint fixed stays, and so does the end of the text. */
export function keptPositions({ constraint, model }: Task, canvas: Int32Array, { from, to }: Block): Int32Array {
  const { eos } = model.manifest.tokens;
  const positions: number[] = [];
  for (let position = from; position < to; position++) {
    const token = canvas[position];
    if (token !== MASKED && token !== eos && constraint.fixed[position] === MASKED) positions.push(position);
  }
  return Int32Array.from(positions);
}

/** Positions whose rows a step in this block reads: the masked ones, and for a sampler that edits the kept ones of the block. */
export function askedPositions(task: Task, canvas: Int32Array, block: Block): Int32Array {
  const masked = maskedPositions(canvas);
  if (task.sampler.edits === undefined) return masked;
  return Int32Array.from([...masked, ...keptPositions(task, canvas, block)]).sort();
}

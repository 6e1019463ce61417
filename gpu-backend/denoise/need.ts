/**
 * What a text asks the model: one evaluation of its canvas, or of a window of it.
 */
import type { CanvasCache, CanvasWindow } from '../model/canvas-cache.ts';
import { canvasTokens } from './canvas.ts';
import type { Task } from './task.ts';

/** One canvas, or a window of it, and the positions in it whose distributions are wanted. */
export interface CanvasRows {
  readonly ids: Int32Array;
  readonly rows: Int32Array;
  /** Where `ids` are a part of a canvas: what attention reads of the rest. */
  readonly window?: CanvasWindow;
}

/** One model evaluation of one text. */
export interface Need extends CanvasRows {
  /** Length to pad to; canvases of one batch have one padded length. Windows are never padded. */
  readonly paddedLength: number;
  /** The unconditional twin, where there is guidance: as many rows. */
  readonly base?: CanvasRows;
  /** Guidance weight; 0 without a twin. */
  readonly guidance: number;
  readonly inverseTemperature: number;
  /** Where keys and values are wanted: told those of the canvas and of its twin before the evaluation resolves. */
  readonly keep?: (caches: readonly CanvasCache[]) => void;
}

/** Answers with probabilities, rows x vocabulary: to be used or copied at once, for the next evaluation of any text may overwrite them. */
export type Evaluate = (need: Need) => Promise<Float32Array>;

/** What a text's logits are multiplied by: 1 too where the likeliest text is looked for. */
export function inverseTemperature({ temperature }: Pick<Task, 'temperature'>): number {
  return temperature === 0 ? 1 : 1 / temperature;
}

/** The evaluation of a whole canvas (token or -1 at each text position), for the rows of these text positions. */
export function needOf(task: Task, canvas: Int32Array, positions: Int32Array): Need {
  const { layout, model } = task;
  const { shift, tokens } = model.manifest;
  const behind = (prefix: Int32Array): CanvasRows => ({
    ids: canvasTokens(prefix, canvas, tokens.mask),
    // A model with shift 1 was autoregressive once: what stands at a position is said one position before.
    rows: positions.map((position) => prefix.length + position - shift),
  });
  return {
    ...behind(layout.prefix),
    paddedLength: layout.paddedLength,
    base: layout.basePrefix && behind(layout.basePrefix),
    guidance: layout.guidance,
    inverseTemperature: inverseTemperature(task),
  };
}

/**
 * What a text asks the model: one evaluation of its canvas, or of a window of it.
 */
import type { RowReading } from '../lattice/reading.ts';
import type { RowSummary } from '../lattice/summaries.ts';
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
  /** What is read of the rows, where the device keeps them; else whole rows are wanted. */
  readonly reading?: RowReading & { readonly entropies: boolean };
}

/**
 * Probabilities, rows x vocabulary: to be used or copied at once, for the next evaluation of any text may overwrite them. Or one summary
 * for each row, where the need says what is read of it.
 */
export type Answer = Float32Array | readonly RowSummary[];
export type Evaluate = (need: Need) => Promise<Answer>;

/** What a text's logits are multiplied by: 1 too where the likeliest text is looked for. */
export function inverseTemperature({ temperature }: Pick<Task, 'temperature'>): number {
  return temperature === 0 ? 1 : 1 / temperature;
}

/** What is read of the rows of these positions, where whole ones are not wanted. `choices`: also their probabilities. */
function readingOf(task: Task, positions: Int32Array, choices: boolean): Need['reading'] {
  const { model, constraint, sampler, repetitionPenalty } = task;
  // Samplers that compare or doubt distributions, and penalties that change them, see every token.
  const whole = sampler.edits !== undefined || sampler.remembers === 'drift' || repetitionPenalty !== 1;
  if (model.session.reducer === undefined || whole || positions.length === 0) return undefined;
  const reading = constraint.reading?.(positions, choices);
  return reading && { ...reading, entropies: sampler.measure === 'entropy' };
}

/**
 * The evaluation of a whole canvas (token or -1 at each text position), for the rows of these text positions.
 *
 * @param choices true where the probabilities of choices are read off these rows too
 */
export function needOf(task: Task, canvas: Int32Array, positions: Int32Array, choices = false): Need {
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
    reading: readingOf(task, positions, choices),
  };
}

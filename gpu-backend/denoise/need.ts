/**
 * What a text asks the model: one evaluation of its canvas, or of a window of it.
 */
import type { RowReading } from '../lattice/reading.ts';
import type { RowSummary } from '../lattice/summaries.ts';
import type { CanvasCache, CanvasWindow } from '../model/canvas-cache.ts';
import { canvasTokens } from './canvas.ts';
import { repetitionFactors } from './repetition.ts';
import type { Task } from './task.ts';

/** One canvas, or a window of it, and the positions in it whose distributions are wanted. */
export interface CanvasRows {
  readonly ids: Int32Array;
  readonly rows: Int32Array;
  /** Where `ids` are a part of a canvas: what attention reads of the rest. */
  readonly window?: CanvasWindow;
}

/** What is read of a text's rows, where the device keeps them. */
export interface Reading extends RowReading {
  /** Whether the entropy is measured. */
  readonly entropies: boolean;
  /** What the probabilities of some tokens are multiplied with first (repetition.ts). */
  readonly factors: ReadonlyMap<number, number>;
  /** The end of text, which keeps its ratio to all text. */
  readonly eos: number;
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
  readonly reading?: Reading;
}

/**
 * Probabilities, rows x vocabulary: to be used or copied at once, for the next evaluation of any text may overwrite them. Or one summary
 * for each row, where the need says what is read of it.
 */
export type Answer = Float32Array | readonly RowSummary[];
export type Evaluate = (need: Need) => Promise<Answer>;

/** The canvases of an evaluation: the text's own and its twin's, where there is one. */
export function canvasesOf(need: Need): CanvasRows[] {
  return need.base === undefined ? [need] : [need, need.base];
}

/** What a text's logits are multiplied by: 1 too where the likeliest text is looked for. */
export function inverseTemperature({ temperature }: Pick<Task, 'temperature'>): number {
  return temperature === 0 ? 1 : 1 / temperature;
}

/** What becomes of a text's logits, whatever is evaluated. */
export function logitsOf(task: Task): Pick<Need, 'guidance' | 'inverseTemperature'> {
  return { guidance: task.layout.guidance, inverseTemperature: inverseTemperature(task) };
}

/** What is read of the rows of these positions, where whole ones are not wanted. `choices`: the probabilities of choices, the model's own. */
function readingOf(task: Task, canvas: Int32Array, positions: Int32Array, choices: boolean): Reading | undefined {
  const { model, constraint, sampler, repetitionPenalty } = task;
  const { eos } = model.manifest.tokens;
  // Samplers that compare or doubt distributions see every token.
  const whole = sampler.edits !== undefined || sampler.remembers === 'drift';
  if (model.session.reducer === undefined || whole || positions.length === 0) return undefined;
  const reading = constraint.reading?.(positions, choices);
  const factors = repetitionFactors(canvas, choices ? 1 : repetitionPenalty, eos);
  return reading && { ...reading, entropies: sampler.measure === 'entropy', factors, eos };
}

/**
 * The evaluation of a whole canvas (token or -1 at each text position), for the rows of these text positions.
 *
 * @param choices true where the probabilities of choices are read off these rows: then they are the model's own
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
    base: layout.basePrefix && behind(layout.basePrefix),
    paddedLength: layout.paddedLength,
    ...logitsOf(task),
    reading: readingOf(task, canvas, positions, choices),
  };
}

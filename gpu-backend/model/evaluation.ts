/**
 * What a model is asked: rows of canvases.
 */
import type { Architecture } from './architecture.ts';
import type { CanvasWindow } from './canvas-cache.ts';

export interface EvaluationInput {
  readonly batch: number;
  /** Padded length of every canvas. */
  readonly length: number;
  /** batch x length token ids; what lies behind a canvas's own length is ignored. */
  readonly ids: Int32Array;
  /** Each canvas's own length, 1..length. */
  readonly lengths: Int32Array;
  /** R flat indices (canvas * length + position) whose distribution is wanted. */
  readonly rows: Int32Array;
  /** R flat indices of the same positions in canvases without the condition, for guidance. */
  readonly baseRows?: Int32Array;
  /** R weights w >= 0: logits (1 + w) conditional - w unconditional. */
  readonly guidance?: Float32Array;
  /** R values > 0; 1 where absent. */
  readonly inverseTemperature?: Float32Array;
  /** Where the result goes, R x vocabulary values; a new array where absent. */
  readonly into?: Float32Array;
  /** One for each canvas where `ids` are windows of canvases, `length` positions each, none of them padding. */
  readonly windows?: readonly CanvasWindow[];
}

/** @throws RangeError that names the entry, what was given and what is allowed */
export function checkInput(input: EvaluationInput, shape: Architecture): void {
  const { batch, length, ids, lengths, rows } = input;
  if (!(length >= 1 && length <= shape.context)) {
    throw new RangeError(`length is ${length}; the model takes canvases of 1 to ${shape.context} positions`);
  }
  if (ids.length !== batch * length) throw new RangeError(`ids has ${ids.length} entries, not ${batch} x ${length}`);
  if (lengths.length !== batch) throw new RangeError(`lengths has ${lengths.length} entries, not ${batch}`);
  if (lengths.some((own) => own < 1 || own > length)) throw new RangeError(`lengths must be 1 to ${length}`);
  if (ids.some((id) => id < 0 || id >= shape.vocabulary)) {
    throw new RangeError(`ids must be 0 to ${shape.vocabulary - 1}`);
  }
  for (const [name, indices] of [['rows', rows] as const, ['baseRows', input.baseRows ?? rows] as const]) {
    if (indices.length !== rows.length)
      throw new RangeError(`${name} has ${indices.length} entries, not ${rows.length}`);
    if (indices.some((row) => row < 0 || row >= batch * length)) {
      throw new RangeError(`${name} must be 0 to ${batch * length - 1}`);
    }
  }
  if (input.guidance !== undefined && input.baseRows === undefined) throw new RangeError('guidance needs baseRows');
  const { guidance, inverseTemperature, into } = input;
  if (into !== undefined && into.length !== rows.length * shape.vocabulary) {
    throw new RangeError(`into has ${into.length} entries, not ${rows.length} x ${shape.vocabulary}`);
  }
  for (const [name, values] of Object.entries({ guidance, inverseTemperature })) {
    if (values !== undefined && values.length !== rows.length) {
      throw new RangeError(`${name} has ${values.length} entries, not ${rows.length}`);
    }
  }
  checkWindows(input);
  if (guidance?.some((weight) => !(weight >= 0))) throw new RangeError('guidance must be 0 or more');
  if (inverseTemperature?.some((value) => !(value > 0))) throw new RangeError('inverseTemperature must be above 0');
}

function checkWindows({ batch, length, windows }: EvaluationInput): void {
  if (windows === undefined) return;
  if (windows.length !== batch) throw new RangeError(`windows has ${windows.length} entries, not ${batch}`);
  for (const { first, canvas, cache } of windows) {
    if (first < 0 || first + length > canvas || canvas > cache.length) {
      throw new RangeError(
        `a window of ${length} positions from ${first} on is not inside ${canvas} of ${cache.length} positions`,
      );
    }
    if (cache.length !== windows[0].cache.length) throw new RangeError('the cached canvases differ in padded length');
  }
}

/**
 * What the graph is fed for an evaluation.
 */
import { Tensor } from 'onnxruntime-node';
import type { CanvasWindow } from './canvas-cache.ts';
import type { EvaluationInput } from './evaluation.ts';
import { INPUTS } from './graph.ts';
import { keyValueNames } from './key-values.ts';
import { PADDING_SCORE, paddingScores } from './padding.ts';
import { planQueries } from './queries.ts';
import { createScratch } from './scratch.ts';

/** The feeds of an evaluation; `tempered` where the graph gives probabilities. */
export function feedsOf(input: EvaluationInput, tempered: boolean): Record<string, Tensor> {
  const { batch, length, ids, lengths, windows } = input;
  const queries = planQueries(input);
  const count = queries.rows.length;
  const inverse = () => input.inverseTemperature ?? new Float32Array(count).fill(1);
  return {
    [INPUTS.ids]: new Tensor('int32', ids, [batch, length]),
    [INPUTS.padding]: new Tensor('float32', paddingScores(lengths, length), [batch, 1, 1, length]),
    [INPUTS.queries]: new Tensor('int64', queries.positions, [batch, queries.count]),
    [INPUTS.queryRows]: new Tensor('int32', queries.positionRows, [batch * queries.count]),
    [INPUTS.rows]: new Tensor('int32', queries.rows, [count]),
    [INPUTS.baseRows]: new Tensor('int32', queries.baseRows, [count]),
    [INPUTS.guidance]: new Tensor('float32', input.guidance ?? new Float32Array(count), [count, 1]),
    ...(tempered ? { [INPUTS.inverseTemperature]: new Tensor('float32', inverse(), [count, 1]) } : {}),
    ...(windows === undefined ? {} : windowFeeds(windows, length, queries.positions)),
  };
}

/** What a window needs beside: where it stands, the rest's keys and values, and which of all keys count. */
function windowFeeds(windows: readonly CanvasWindow[], size: number, queries: BigInt64Array): Record<string, Tensor> {
  const batch = windows.length;
  const canvas = windows[0].cache.length;
  const perCanvas = queries.length / batch;
  const positions = BigInt64Array.from({ length: batch * size }, (_, i) =>
    BigInt(windows[Math.floor(i / size)].first + (i % size)),
  );
  const absolute = queries.map((position, i) => position + BigInt(windows[Math.floor(i / perCanvas)].first));
  const feeds: Record<string, Tensor> = {
    [INPUTS.positions]: new Tensor('int64', positions, [batch, size]),
    [INPUTS.queries]: new Tensor('int64', absolute, [batch, perCanvas]),
    [INPUTS.padding]: new Tensor('float32', keyScores(windows, size), [batch, 1, 1, canvas + size]),
  };
  const join = joining(windows);
  windows[0].cache.blocks.forEach((_, layer) => {
    const names = keyValueNames(layer);
    for (const part of ['keys', 'values'] as const) {
      const data = join(windows.map(({ cache }) => cache.blocks[layer][part]));
      feeds[names[part]] = new Tensor('float32', data, [batch, canvas, data.length / (batch * canvas)]);
    }
  });
  return feeds;
}

/** Scores of the cached keys, but for those behind the canvas's end and those that the window replaces, then of the window's own. */
function keyScores(windows: readonly CanvasWindow[], size: number): Float32Array {
  const canvas = windows[0].cache.length;
  const scores = new Float32Array(windows.length * (canvas + size));
  windows.forEach((window, b) => {
    const start = b * (canvas + size);
    scores.fill(PADDING_SCORE, start + window.canvas, start + canvas);
    scores.fill(PADDING_SCORE, start + window.first, start + window.first + size);
  });
  return scores;
}

const scratch = createScratch();

/**
 * Joins arrays of the windows' caches one behind the other; a single one stays as it is. In memory that the next evaluation overwrites:
 * onnxruntime's `run` has read it before it returns. (As new arrays, 0.5 MB a step: half of what the garbage collector had to do.)
 */
function joining(windows: readonly CanvasWindow[]): (parts: readonly Float32Array[]) => Float32Array {
  if (windows.length === 1) return ([only]) => only;
  const count = ({ cache }: CanvasWindow) =>
    cache.blocks.reduce((sum, { keys, values }) => sum + keys.length + values.length, 0);
  const all = scratch(windows.reduce((sum, window) => sum + count(window), 0));
  let at = 0;
  return (parts) => {
    const from = at;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all.subarray(from, at);
  };
}

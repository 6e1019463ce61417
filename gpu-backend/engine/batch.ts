/**
 * Step-level batching: the evaluations that running texts ask for are gathered into batches, one model call each.
 *
 * Texts join and leave at every denoising step. A batch holds canvases of one padded length, oldest first. A row's numbers do
 * not depend on the rest of its batch: the padded length is the request's own, and the model's graph keeps rows apart.
 *
 * All results go into one buffer, since distributions are what takes memory: a text has to be done with its own when it next awaits.
 */
import { type Answer, canvasesOf, type Evaluate, type Need } from '../denoise/need.ts';
import type { EvaluationInput } from '../model/evaluation.ts';
import type { ModelSession } from '../model/session.ts';
import type { Counters } from './counters.ts';
import { reduceBatch } from './reduced-batch.ts';

export interface BatcherOptions {
  /** Most canvases of one model call; guidance takes two for a text. */
  readonly canvases: number;
  /** Most positions of one model call, padding included; a longer canvas runs by itself. */
  readonly positions: number;
  /** Most rows of one model call, each a distribution over the vocabulary; a text that asks for more runs by itself. */
  readonly rows: number;
  /** Token that fills the padding. */
  readonly padding: number;
  readonly counters: Counters;
}

/** One call of a model session, as the watches of its texts are told of it. */
export interface ModelCall {
  readonly canvases: number;
  /** Positions, padding left out. */
  readonly positions: number;
  readonly padded: number;
  readonly seconds: number;
}

export interface Batcher {
  /** An evaluation that joins the next batch it fits; rejects with the signal's reason when that comes first. */
  evaluate(need: Need, signal: AbortSignal, called?: (call: ModelCall) => void): ReturnType<Evaluate>;
}

interface Waiting {
  readonly need: Need;
  readonly signal: AbortSignal;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
  readonly called?: (call: ModelCall) => void;
}

/** Gathers evaluations for one session. */
export function createBatcher(session: ModelSession, { padding, counters, ...most }: BatcherOptions): Batcher {
  let queue: Waiting[] = [];
  let running = false;
  let buffer = new Float32Array(0);

  function count({ canvases, positions, padded, seconds }: ModelCall): void {
    counters.add('batches');
    counters.add('model_evaluations', canvases);
    counters.add('positions_evaluated', positions);
    counters.add('positions_padded', padded);
    counters.observe('batch_fill_ratio', canvases / most.canvases);
    counters.observe('evaluation_seconds', seconds);
  }

  async function run(batch: readonly Waiting[]): Promise<void> {
    const needs = batch.map(({ need }) => need);
    try {
      const input = assemble(needs, padding);
      const began = performance.now();
      const called = () => {
        const call = modelCall(input, (performance.now() - began) / 1000);
        count(call);
        for (const { called } of batch) called?.(call);
      };
      const { reducer } = session;
      if (reducer !== undefined && needs[0].reading !== undefined) {
        const answers = await reduceBatch(reducer, needs, input, counters);
        called();
        batch.forEach(({ resolve }, i) => {
          resolve(answers[i]);
        });
        return;
      }
      const size = input.rows.length * session.vocabulary;
      if (buffer.length < size) buffer = new Float32Array(size);
      const into = buffer.subarray(0, size);
      const keeping = needs.some(({ keep }) => keep !== undefined);
      const { probabilities, caches } = keeping
        ? await session.evaluateKeeping({ ...input, into })
        : { probabilities: await session.evaluate({ ...input, into }), caches: [] };
      called();
      let canvas = 0;
      for (const need of needs) {
        const first = canvas;
        canvas += canvasesOf(need).length;
        need.keep?.(caches.slice(first, canvas));
      }
      let row = 0;
      for (const { need, resolve } of batch) {
        const from = row * session.vocabulary;
        row += need.rows.length;
        resolve(probabilities.subarray(from, row * session.vocabulary));
      }
    } catch (reason) {
      for (const { reject } of batch) reject(reason);
    }
  }

  async function work(): Promise<void> {
    while (queue.length > 0) {
      // Texts that the last batch set free take their step before the next batch is formed, so that they can join it.
      await new Promise((resolve) => setImmediate(resolve));
      const [batch, rest] = takeBatch(queue, most);
      queue = rest;
      if (batch.length > 0) await run(batch);
    }
    running = false;
  }

  return {
    evaluate: (need, signal, called) =>
      new Promise((resolve, reject) => {
        queue.push({ need, signal, resolve, reject, called });
        if (running) return;
        running = true;
        void work();
      }),
  };
}

function modelCall({ batch, length, lengths }: EvaluationInput, seconds: number): ModelCall {
  const positions = lengths.reduce((sum, own) => sum + own, 0);
  return { canvases: batch, positions, padded: batch * length - positions, seconds };
}

/** The oldest waiting evaluation and all that can share its batch; those whose reader went away are turned out. */
function takeBatch(
  queue: readonly Waiting[],
  most: Pick<BatcherOptions, 'canvases' | 'positions' | 'rows'>,
): [Waiting[], Waiting[]] {
  const batch: Waiting[] = [];
  const rest: Waiting[] = [];
  let canvases = 0;
  let rows = 0;
  for (const waiting of queue) {
    const { need, signal, reject } = waiting;
    if (signal.aborted) {
      reject(signal.reason);
      continue;
    }
    const own = canvasesOf(need).length;
    const first = batch[0]?.need;
    // Guided and unguided rows run apart, so that no row's arithmetic depends on a neighbour's wishes; so do windows.
    const alike =
      first === undefined ||
      (first.paddedLength === need.paddedLength &&
        first.window?.cache.length === need.window?.cache.length &&
        (first.base === undefined) === (need.base === undefined) &&
        (first.reading === undefined) === (need.reading === undefined));
    const together = canvases + own;
    const fits =
      together <= most.canvases &&
      together * need.paddedLength <= most.positions &&
      rows + need.rows.length <= most.rows;
    if (alike && (fits || first === undefined)) {
      batch.push(waiting);
      canvases = together;
      rows += need.rows.length;
    } else {
      rest.push(waiting);
    }
  }
  return [batch, rest];
}

/** One model input of evaluations with one padded length; rows in the order of the evaluations. */
export function assemble(needs: readonly Need[], padding: number): EvaluationInput {
  const length = needs[0].paddedLength;
  const canvases = needs.flatMap(canvasesOf);
  const ids = new Int32Array(canvases.length * length).fill(padding);
  canvases.forEach((canvas, b) => {
    ids.set(canvas.ids, b * length);
  });
  const rows: number[] = [];
  const baseRows: number[] = [];
  const guidance: number[] = [];
  const inverseTemperature: number[] = [];
  let b = 0;
  for (const need of needs) {
    need.rows.forEach((position, r) => {
      rows.push(b * length + position);
      if (need.base !== undefined) baseRows.push((b + 1) * length + need.base.rows[r]);
      guidance.push(need.guidance);
      inverseTemperature.push(need.inverseTemperature);
    });
    b += canvasesOf(need).length;
  }
  const guided = needs[0].base !== undefined;
  return {
    batch: canvases.length,
    length,
    ids,
    lengths: Int32Array.from(canvases, (canvas) => canvas.ids.length),
    ...(needs[0].window === undefined ? {} : { windows: canvases.map(({ window }) => window!) }),
    rows: Int32Array.from(rows),
    ...(guided ? { baseRows: Int32Array.from(baseRows), guidance: Float32Array.from(guidance) } : {}),
    inverseTemperature: Float32Array.from(inverseTemperature),
  };
}

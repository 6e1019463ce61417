/**
 * The turn of one job: from its arrival through waiting, working and resting to its end, by its deadline at the latest.
 */
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { type ProblemCode, ProblemError } from '../../shared/contract/problem.ts';
import { type Answer, canvasesOf, type Need } from '../denoise/need.ts';
import type { ModelLease, ModelPool } from '../model/pool.ts';
import type { LoadedModel } from '../model/registry.ts';
import type { Admission, Places } from './admission.ts';
import type { CounterName, Counters } from './counters.ts';
import { startDeadline } from './deadline.ts';
import type { Predictor } from './predict.ts';
import type { Reader } from './reader.ts';
import { type Lounge, restWith } from './resting.ts';
import type { JobWatch } from './watch.ts';

export interface TurnOptions {
  readonly models: ModelPool;
  readonly admission: Admission;
  readonly predictor: Predictor;
  readonly lounge: Lounge;
  readonly counters: Counters;
  /** Milliseconds of a job that states no deadline. */
  readonly deadlineMs: number;
}

export interface Turn {
  /** Kept open until the turn ends. */
  readonly model: LoadedModel;
  /** Aborted when nothing more is to be done: the reader went away, the time is over, the job has ended. */
  readonly signal: AbortSignal;
  /** Told of the work while it happens. */
  readonly watch?: JobWatch;
  /** One evaluation of one text, when the job has places and its reader wants more. */
  evaluate(need: Need, evaluation: () => Promise<Answer>): Promise<Answer>;
  /** One of its texts is finished. */
  finished(): void;
  /** To be called when the job has ended. `whole`: all its work was done, and done here. */
  end(whole: boolean): void;
}

const OUTCOMES: Partial<Record<ProblemCode, CounterName>> = {
  overloaded: 'texts_refused',
  deadline_exceeded: 'texts_expired',
  stream_gone: 'texts_cancelled',
};

/** Where texts that ended without a result are counted, by why they did. */
export function outcomeOf(reason: unknown): CounterName {
  return (reason instanceof ProblemError ? OUTCOMES[reason.problem.code] : undefined) ?? 'texts_failed';
}

/**
 * Waits for a job's turn: for its model first, so that while one loads its jobs take no places from those of others.
 *
 * @throws ProblemError overloaded, at once, where it would wait too long; deadline_exceeded; the signal's reason
 */
export async function takeTurn(
  { request, priority, deadline_ms }: GenerationJob,
  reader: Reader,
  { models, admission, predictor, lounge, counters, deadlineMs }: TurnOptions,
): Promise<Turn> {
  const deadline = startDeadline(deadline_ms ?? deadlineMs);
  const stop = new AbortController();
  const signal = AbortSignal.any([reader.signal, deadline.signal, stop.signal]);
  const texts = request.n ?? 1;
  const since = performance.now();
  let lease: ModelLease | undefined;
  let places: Places;
  let cost: number;
  try {
    lease = await models.use(request.model, signal);
    // Models of tests have no parameters.
    cost = Math.max(1, lease.model.manifest.parameters);
    const work = predictor.predict(request, cost);
    const left = Math.round(deadline.ms - (performance.now() - since));
    places = await admission.enter({ texts, work, priority, deadlineMs: left }, signal);
  } catch (reason) {
    lease?.release();
    deadline.clear();
    if (reason instanceof ProblemError) counters.add(outcomeOf(reason), texts);
    throw reason;
  }
  const rests = restWith({ signal, wants: reader.wants }, places, lounge, (reason) => stop.abort(reason));
  let done = 0;
  const { model, release } = lease;
  return {
    model,
    signal,
    watch: reader.watch,
    evaluate: (need, evaluation) =>
      rests.work(async () => {
        const answer = await evaluation();
        const positions = canvasesOf(need).length * need.paddedLength;
        done += positions * cost;
        places.progress(positions * cost);
        return answer;
      }),
    finished: () => places.finished(),
    end(whole) {
      if (whole) predictor.learn(request, cost, done);
      deadline.clear();
      stop.abort(new Error('the job has ended'));
      rests.stop();
      places.leave();
      release();
    },
  };
}

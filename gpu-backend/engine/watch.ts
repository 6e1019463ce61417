/**
 * What is told, while it happens, to whoever watches a job: counters, the log, the trace. The work knows none of them.
 */
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { ProblemError } from '../../shared/contract/problem.ts';
import type { StepEvent } from '../../shared/contract/stream.ts';
import type { ModelCall } from './batch.ts';
import type { Outcome } from './outcome.ts';

/** How a job ended, and with which problem of the catalogue, or why it was broken off. */
export interface Ending {
  readonly outcome: Outcome;
  readonly code: string;
}

/** What is known of a text before its first step. */
export interface SettledText {
  readonly positions: number;
  /** What its steps are counted under. */
  readonly sampler: string;
}

export interface JobWatch {
  /** The job has its place; it waited until now. */
  admitted?(): void;
  /** Its texts are settled; their first steps begin. */
  prepared?(texts: readonly SettledText[]): void;
  /** An evaluation of text `index` was part of a model call. */
  called?(index: number, call: ModelCall): void;
  /** A step of a text that began at `since`, milliseconds of `performance.now()`. */
  stepped?(step: StepEvent, since: number): void;
  /** Once for each job, as the last. */
  ended?(ending: Ending): void;
}

export type Watcher = (job: GenerationJob) => JobWatch;

/** Tells several watches. */
export function watchAll(watchers: readonly Watcher[], job: GenerationJob): Required<JobWatch> {
  const watches = watchers.map((watcher) => watcher(job));
  return {
    admitted: () => {
      for (const watch of watches) watch.admitted?.();
    },
    prepared: (texts) => {
      for (const watch of watches) watch.prepared?.(texts);
    },
    called: (index, call) => {
      for (const watch of watches) watch.called?.(index, call);
    },
    stepped: (step, since) => {
      for (const watch of watches) watch.stepped?.(step, since);
    },
    ended: (ending) => {
      for (const watch of watches) watch.ended?.(ending);
    },
  };
}

/** Passes the events of a job on and tells how it ended, whichever way that is. */
export async function* untilEnded<Event>(
  events: AsyncGenerator<Event, void>,
  signal: AbortSignal,
  ended: (ending: Ending) => void,
): AsyncGenerator<Event, void> {
  let begun = false;
  let ending: Ending = { outcome: 'cancelled', code: 'broken_off' };
  try {
    for await (const event of events) {
      begun = true;
      yield event;
    }
    ending = { outcome: 'done', code: 'done' };
  } catch (reason) {
    ending = endingOf(reason, signal, begun);
    throw reason;
  } finally {
    ended(ending);
  }
}

function endingOf(reason: unknown, signal: AbortSignal, begun: boolean): Ending {
  if (signal.aborted) return { outcome: 'cancelled', code: 'reader_left' };
  if (!(reason instanceof ProblemError)) return { outcome: 'failed', code: 'internal_error' };
  return { outcome: begun ? 'failed' : 'refused', code: reason.problem.code };
}

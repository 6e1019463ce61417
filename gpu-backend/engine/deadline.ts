/**
 * The time a job has.
 */
import { problem } from '../../shared/contract/problem.ts';

export interface Deadline {
  readonly ms: number;
  /** Aborts with a ProblemError deadline_exceeded when the time is over. */
  readonly signal: AbortSignal;
  /** To be called when the job has ended. */
  clear(): void;
}

/** A deadline so many milliseconds from now. */
export function startDeadline(ms: number): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(problem('deadline_exceeded', `The job was not finished within ${ms} ms of its arrival.`));
  }, ms);
  timer.unref();
  return { ms, signal: controller.signal, clear: () => clearTimeout(timer) };
}

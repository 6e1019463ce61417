/**
 * Jobs whose reader is away or behind: after a short while their places are given to others, and taken again when he wants more.
 */
import { type ProblemError, problem } from '../../shared/contract/problem.ts';
import type { Places } from './admission.ts';
import { createGate, type Reader } from './reader.ts';

interface Resting {
  /** Ends the job. */
  readonly end: (reason: ProblemError) => void;
  /** False once it waits for places again. */
  readonly away: () => boolean;
}

/** The jobs of an engine that have no places, be it that they rest or that they wait for places again. */
export interface Lounge {
  /** How long a reader may be away before his job's places are given to others. */
  readonly restAfterMs: number;
  add(job: Resting): void;
  remove(job: Resting): void;
  readonly size: number;
}

/** @param most jobs; what they take is memory. Beyond, the one that has rested longest ends. */
export function createLounge(most: number, restAfterMs: number): Lounge {
  const jobs = new Set<Resting>(); // in the order they came
  return {
    restAfterMs,
    get size() {
      return jobs.size;
    },
    add(job) {
      jobs.add(job);
      if (jobs.size <= most) return;
      const longest = [...jobs].find(({ away }) => away())!; // at the latest the one that came now
      jobs.delete(longest);
      const detail = `The reader did not come back: ${most} other jobs rested after this one and have its room.`;
      longest.end(problem('stream_gone', detail));
    },
    remove(job) {
      jobs.delete(job);
    },
  };
}

export interface Rests {
  /** Does work of the job that takes its place: waits until the reader wants more and there is one. */
  work<T>(work: () => Promise<T>): Promise<T>;
  /** To be called when the job has ended. */
  stop(): void;
}

/**
 * Lets a job rest while its reader's gate is shut.
 *
 * @param reader his signal is that of the job
 * @param end ends the job
 */
export function restWith({ signal, wants }: Reader, places: Places, lounge: Lounge, end: Resting['end']): Rests {
  const may = createGate(wants.open);
  let underWay = 0;
  let timer: NodeJS.Timeout | undefined;
  /** Whether the short while is over. */
  let due = false;
  let placed = true;
  let returning: AbortController | undefined;
  const resting: Resting = { end, away: () => returning === undefined };

  const settle = () => may.set(wants.open && placed);

  /** Gives the places back, as soon as nothing is under way in them. */
  function rest(): void {
    if (!due || !placed || underWay > 0 || signal.aborted) return;
    placed = false;
    places.rest();
    lounge.add(resting);
  }

  async function comeBack(): Promise<void> {
    const attempt = new AbortController();
    returning = attempt;
    try {
      await places.resume(AbortSignal.any([signal, attempt.signal]));
      placed = true;
      lounge.remove(resting);
    } catch {
      // The reader left again, or the job has ended: whoever waits at the gate learns of that from the signal.
    }
    if (returning === attempt) returning = undefined;
    changed();
  }

  function changed(): void {
    settle();
    if (signal.aborted) return;
    if (wants.open) {
      clearTimeout(timer);
      timer = undefined;
      due = false;
      if (!placed && returning === undefined) void comeBack();
    } else {
      returning?.abort(new Error('the reader is away again'));
      timer ??= setTimeout(() => {
        due = true;
        rest();
      }, lounge.restAfterMs);
      rest(); // where the place came in the moment he left
    }
  }

  const forget = wants.onChange(changed);
  changed();
  return {
    async work(work) {
      while (!may.open) await may.opened(signal);
      signal.throwIfAborted();
      underWay++;
      try {
        return await work();
      } finally {
        underWay--;
        rest();
      }
    },
    stop() {
      clearTimeout(timer);
      forget();
      lounge.remove(resting);
      returning?.abort(new Error('the job has ended'));
    },
  };
}

/**
 * Admission: how many texts are denoised at once, what waits, and what is refused because it would wait too long. No queue is unbounded.
 */
import type { Priority } from '../../shared/contract/generation.ts';
import { type ProblemError, problem } from '../../shared/contract/problem.ts';
import type { EngineLoad } from './load.ts';
import { createQueue, type Rank, rankOf } from './queue.ts';
import { createRate } from './rate.ts';

export interface AdmissionOptions {
  /** Most texts denoised at once. */
  readonly running: number;
  /** Most texts that wait: what they take is memory. */
  readonly waiting: number;
  /** Most seconds that a job is let wait for, as predicted when it comes. */
  readonly waitingS: number;
  /** Work done a second, before any has been seen. */
  readonly workPerSecond: number;
}

/** What a job asks for. */
export interface Asked {
  readonly texts: number;
  /** Predicted, in any unit. */
  readonly work: number;
  readonly priority?: Priority;
  /** Milliseconds it has from now on. */
  readonly deadlineMs?: number;
}

/** The places of one job. */
export interface Places {
  /** Work has been done for it. */
  progress(work: number): void;
  /** One of its texts is finished, and its place is another's. */
  finished(): void;
  /** Gives its places to others for a while. */
  rest(): void;
  /**
   * Waits for places again, with the rank of its first arrival: ahead of all who came later with its priority. Never refused.
   * @throws the signal's reason when it aborts first; then it rests on
   */
  resume(signal: AbortSignal): Promise<void>;
  /** Gives back what it has; once, whatever it does. */
  leave(): void;
}

export interface Admission {
  /**
   * Waits for places, in the order of queue.ts.
   *
   * @throws ProblemError overloaded, at once, when too much waits; the signal's reason when it aborts first
   */
  enter(asked: Asked, signal: AbortSignal): Promise<Places>;
  readonly load: EngineLoad;
}

interface Job {
  readonly rank: Rank;
  /** Those not finished. */
  texts: number;
  /** Predicted work that is left. */
  work: number;
  admit(): void;
}

/** Share of the waiting texts up to which a priority may fill the queue, so that there is always room for what is more urgent. */
const SHARE: Readonly<Record<Priority, number>> = { high: 1, normal: 7 / 8, low: 1 / 2 };

const textsOf = (jobs: Iterable<Job>) => [...jobs].reduce((sum, { texts }) => sum + texts, 0);
const workOf = (jobs: Iterable<Job>) => [...jobs].reduce((sum, { work }) => sum + work, 0);

/** @param now milliseconds */
export function createAdmission(options: AdmissionOptions, now: () => number = () => performance.now()): Admission {
  const running = new Set<Job>();
  const queue = createQueue<Job>();
  const rate = createRate(options.workPerSecond, now);
  let arrivals = 0;

  // A job of more texts than there are places runs by itself.
  const fits = ({ texts }: Job) => running.size === 0 || textsOf(running) + texts <= options.running;
  const seconds = (work: number) => work / rate.perSecond;

  function admitNext(): void {
    for (let next = queue.first; next !== undefined && fits(next); next = queue.first) {
      queue.remove(next);
      start(next);
      next.admit();
    }
  }

  function start(job: Job): void {
    if (running.size === 0) rate.begin();
    running.add(job);
  }

  function stop(job: Job): void {
    if (running.delete(job)) admitNext();
  }

  async function wait(job: Job, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (queue.size === 0 && fits(job)) {
      start(job);
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      queue.remove(job);
      reject(signal.reason);
      admitNext(); // it may have been the one that others waited for
    };
    job.admit = resolve;
    queue.add(job.rank, job);
    signal.addEventListener('abort', leave, { once: true });
    admitNext(); // one that returns may be first
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /** Why a job may not wait, were it to come now. */
  function refusal(job: Job, { priority = 'normal', deadlineMs }: Asked): ProblemError | undefined {
    const waiting = textsOf(queue.before());
    const most = Math.ceil(options.waiting * SHARE[priority]);
    const wait = seconds(workOf(running) + workOf(queue.before(job.rank)));
    const refuse = (why: string, retryIn: number) =>
      problem('overloaded', why, { retryAfter: Math.max(1, Math.ceil(retryIn)) });
    if (waiting + job.texts > most) {
      const inTheWay = Math.min(1, (waiting + job.texts - most) / waiting);
      return refuse(
        `${waiting} texts are waiting, and with this job's ${job.texts} there would be more than ${most}, the most for its priority.`,
        inTheWay * seconds(workOf(running) + workOf(queue.before())),
      );
    }
    if (wait > options.waitingS) {
      const detail = `The job would wait ${Math.ceil(wait)} s, and at most ${options.waitingS} s are waited for.`;
      return refuse(detail, wait - options.waitingS);
    }
    if (deadlineMs !== undefined && wait * 1000 > deadlineMs) {
      const detail = `The job has to be finished in ${deadlineMs} ms and would wait ${Math.ceil(wait * 1000)} ms before it begins.`;
      return refuse(detail, wait - deadlineMs / 1000);
    }
    return undefined;
  }

  function placesOf(job: Job): Places {
    return {
      progress(work) {
        job.work = Math.max(0, job.work - work);
        rate.progress(work, queue.size > 0 || textsOf(running) >= options.running);
      },
      finished() {
        job.texts--;
        admitNext();
      },
      rest: () => stop(job),
      resume: (signal) => wait(job, signal),
      leave: () => stop(job),
    };
  }

  return {
    get load() {
      const texts = textsOf(running);
      const waiting = textsOf(queue.before());
      const room = Math.max(0, options.running - texts - waiting);
      const backlogSeconds = seconds(workOf(running) + workOf(queue.before()));
      return { running: texts, waiting, backlogSeconds, room };
    },
    async enter(asked, signal) {
      signal.throwIfAborted();
      const { texts, work, priority = 'normal' } = asked;
      const job: Job = { rank: rankOf(now(), arrivals++, priority), texts, work, admit() {} };
      const refused = queue.size === 0 && fits(job) ? undefined : refusal(job, asked);
      if (refused !== undefined) throw refused;
      await wait(job, signal);
      return placesOf(job);
    },
  };
}

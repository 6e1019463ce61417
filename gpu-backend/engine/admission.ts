/**
 * Admission: how many texts are denoised at once, how many may wait, and when one is refused. No queue is unbounded.
 */
import { problem } from '../../shared/contract/problem.ts';
import type { EngineLoad } from './load.ts';

export interface AdmissionOptions {
  /** Most texts denoised at once. */
  readonly running: number;
  /** Most texts that wait. */
  readonly waiting: number;
}

export interface Admission {
  /**
   * Waits for room for so many texts, first come first served.
   *
   * @returns gives the room back; call it once
   * @throws ProblemError overloaded, at once, when too many wait; the signal's reason when it aborts first
   */
  enter(texts: number, signal: AbortSignal): Promise<() => void>;
  readonly load: EngineLoad;
}

interface Waiter {
  readonly texts: number;
  readonly admit: () => void;
}

// How long a text takes before the first one has been seen, seconds.
const FIRST_GUESS = 1;
// Weight of the newest text in the moving average.
const NEWEST = 0.1;

export function createAdmission(options: AdmissionOptions, now: () => number = () => performance.now()): Admission {
  let running = 0;
  let waiting = 0;
  let secondsPerText = FIRST_GUESS;
  const queue: Waiter[] = [];

  const backlog = () => ((running + waiting) * secondsPerText) / options.running;
  const fits = (texts: number) => running === 0 || running + texts <= options.running;

  function admitNext(): void {
    while (queue.length > 0 && fits(queue[0].texts)) {
      const { texts, admit } = queue.shift()!;
      waiting -= texts;
      running += texts;
      admit();
    }
  }

  function roomFor(texts: number): () => void {
    const since = now();
    return () => {
      const seconds = (now() - since) / 1000 / texts;
      secondsPerText += NEWEST * (seconds - secondsPerText);
      running -= texts;
      admitNext();
    };
  }

  return {
    get load() {
      const room = Math.max(0, options.running - running - waiting);
      return { running, waiting, backlogSeconds: backlog(), room };
    },
    async enter(texts, signal) {
      signal.throwIfAborted();
      if (queue.length === 0 && fits(texts)) {
        running += texts;
        return roomFor(texts);
      }
      if (waiting + texts > options.waiting) {
        throw problem('overloaded', `${waiting} texts are waiting, and at most ${options.waiting} may.`, {
          retryAfter: Math.max(1, Math.ceil(backlog())),
        });
      }
      waiting += texts;
      await new Promise<void>((resolve, reject) => {
        const leave = () => {
          queue.splice(queue.indexOf(waiter), 1);
          waiting -= texts;
          reject(signal.reason);
          admitNext();
        };
        const waiter: Waiter = {
          texts,
          admit: () => {
            signal.removeEventListener('abort', leave);
            resolve();
          },
        };
        signal.addEventListener('abort', leave, { once: true });
        queue.push(waiter);
      });
      return roomFor(texts);
    },
  };
}

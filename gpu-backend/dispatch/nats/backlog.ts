/**
 * How much work waits on the stream, and whether more is taken: no queue grows beyond what the engines can do in a stated time.
 */
import { PRIORITIES } from '../../../shared/contract/generation.ts';
import { problem } from '../../../shared/contract/problem.ts';
import type { Link } from './connection.ts';
import type { Fleet } from './fleet.ts';
import type { Names } from './names.ts';

const POLL_MS = 1_000;
const LONGEST_RETRY_S = 60;

export interface Backlog {
  /** @throws ProblemError backend_unavailable where no engine has the model, overloaded where too much is waiting */
  admit(model: string): void;
  /** Jobs that wait, of all models, as of the last second. */
  readonly waiting: number;
  close(): void;
}

/** @param mostSeconds most predicted seconds of work that may wait */
export function watchBacklog({ jsm }: Link, names: Names, fleet: Fleet, mostSeconds: number): Backlog {
  const waiting = new Map<string, number>();

  async function pendingOf(consumer: string): Promise<number> {
    return (await jsm.consumers.info(names.jobs, consumer)).num_pending;
  }

  async function poll(): Promise<void> {
    for (const { id } of fleet.models()) {
      const counts = await Promise.all(PRIORITIES.map((priority) => pendingOf(names.consumer(id, priority))));
      waiting.set(
        id,
        counts.reduce((a, b) => a + b),
      );
    }
  }

  let polling = false;
  const timer = setInterval(() => {
    if (polling) return;
    polling = true;
    // A server that does not answer now leaves us with what it said last.
    void poll()
      .catch(() => {})
      .finally(() => {
        polling = false;
      });
  }, POLL_MS);

  return {
    get waiting() {
      return [...waiting.values()].reduce((a, b) => a + b, 0);
    },
    admit(model) {
      if (fleet.engines(model) === 0) {
        throw problem('backend_unavailable', `No engine has the model "${model}" now.`, { retryAfter: 2 });
      }
      const jobs = waiting.get(model) ?? 0;
      const seconds = jobs / fleet.jobsPerSecond(model);
      if (jobs > 0 && seconds > mostSeconds) {
        const detail = `About ${Math.round(seconds)} s of work is waiting, and at most ${mostSeconds} may.`;
        const retryAfter = Math.min(LONGEST_RETRY_S, Math.max(1, Math.ceil(seconds - mostSeconds)));
        throw problem('overloaded', detail, { retryAfter });
      }
      waiting.set(model, jobs + 1); // until the next poll; where there is room it is gone by then
    },
    close: () => clearInterval(timer),
  };
}

/**
 * Jobs and their steps as numbers.
 */
import type { Counters } from './counters.ts';
import type { Engine } from './engine.ts';
import type { SettledText, Watcher } from './watch.ts';

/** Counts and times every job and its steps. */
export function countJobs(counters: Counters, now: () => number = () => performance.now()): Watcher {
  return (job) => {
    const arrived = now();
    const seconds = () => (now() - arrived) / 1000;
    const { model } = job.request;
    let texts: readonly SettledText[] = [];
    return {
      admitted: () => counters.observe('queue_seconds', seconds()),
      prepared: (settled) => {
        texts = settled;
      },
      stepped({ index, committed }, since) {
        const { sampler } = texts[index];
        counters.add('denoising_steps', 1, { model, sampler });
        counters.observe('step_seconds', (now() - since) / 1000);
        counters.observe('step_committed', committed.length, { sampler });
      },
      ended({ outcome, code }) {
        counters.add('jobs', 1, { outcome, code });
        counters.observe('job_seconds', seconds(), { outcome });
      },
    };
  };
}

/** Reads what an engine has to do whenever somebody asks. */
export function readLoad(counters: Counters, engine: Pick<Engine, 'load'>): void {
  counters.read('texts_running', () => engine.load.running);
  counters.read('texts_waiting', () => engine.load.waiting);
  counters.read('backlog_seconds', () => engine.load.backlogSeconds);
}

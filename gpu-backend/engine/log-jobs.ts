/**
 * One log line for each job that has ended, with the ids that tie it to the lines of routes and edge. Never what was asked or written.
 */
import type { Logger } from 'pino';
import { readTraceparent } from '../../shared/contract/trace.ts';
import type { Watcher } from './watch.ts';

/** Logs every job as it ends; one that failed by our fault as a warning. */
export function logJobs(log: Logger, now: () => number = () => performance.now()): Watcher {
  return (job) => {
    const arrived = now();
    const sum = { positions: 0, steps: 0, evaluations: 0 };
    let queued: number | undefined;
    return {
      admitted() {
        queued = now() - arrived;
      },
      prepared(texts) {
        for (const { positions } of texts) sum.positions += positions;
      },
      stepped() {
        sum.steps++;
      },
      called(_index, _call) {
        sum.evaluations++;
      },
      ended({ outcome, code }) {
        const ms = now() - arrived;
        log[outcome === 'failed' ? 'warn' : 'info'](
          {
            request: job.id,
            trace: readTraceparent(job.traceparent)?.traceId,
            model: job.request.model,
            n: job.request.n ?? 1,
            ...sum,
            queued_ms: Math.round(queued ?? ms),
            ms: Math.round(ms),
            outcome,
            code,
          },
          'job ended',
        );
      },
    };
  };
}

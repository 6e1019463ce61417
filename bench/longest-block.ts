/**
 * Preloaded into a service: for how long one turn of its main thread's event loop held up the others at most, for whoever asks over its
 * IPC channel.
 *
 * A turn's length is the thread's own processor time from one timer to the next, so it is the service's doing alone. The time until
 * the timer comes at all counts besides how long the thread had to wait for a core.
 */
import { isMainThread } from 'node:worker_threads';

/** Milliseconds from one look to the next. */
const RESOLUTION_MS = 2;

/** The greatest since the last question, milliseconds. */
export interface Blocks {
  /** Processor time of one turn. */
  readonly longest: number;
  /** Time for which nothing was looked at, waiting for a core included. */
  readonly latest: number;
}

if (isMainThread && process.channel) {
  let cpu = process.threadCpuUsage();
  let at = performance.now();
  let longest = 0;
  let latest = 0;
  setInterval(() => {
    const { user, system } = process.threadCpuUsage(cpu);
    cpu = process.threadCpuUsage();
    longest = Math.max(longest, (user + system) / 1e3);
    const now = performance.now();
    latest = Math.max(latest, now - at - RESOLUTION_MS);
    at = now;
  }, RESOLUTION_MS).unref();
  process.on('message', () => {
    process.send!({ longest, latest } satisfies Blocks);
    longest = 0;
    latest = 0;
  });
  // The bench's interest must not keep the service alive.
  process.channel.unref();
}

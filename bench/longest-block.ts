/**
 * Preloaded into a service: how long the event loop of its main thread was held up at most, for whoever asks over its IPC channel.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** Milliseconds from one look to the next. A look is late by as long as something held up the loop, or the thread had no core. */
const RESOLUTION_MS = 2;

if (isMainThread && process.channel) {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  process.on('message', () => {
    process.send!(Math.max(0, delays.max / 1e6 - RESOLUTION_MS));
    delays.reset();
  });
  // The bench's interest must not keep the service alive.
  process.channel.unref();
}

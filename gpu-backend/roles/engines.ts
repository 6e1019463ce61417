/**
 * Engines and their models in threads of their own, so that the sockets' thread stays free.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { type SpreadDispatch, spreadWork } from '../dispatch/spread.ts';
import { type ThreadDispatch, threadDispatch } from '../dispatch/thread.ts';
import type { ToEngine } from '../dispatch/thread-messages.ts';
import { placesOf } from '../engine/capacity.ts';
import type { EngineConfig } from '../engine-thread.ts';
import { modelLog } from '../model-log.ts';

// Steps leave short-lived arrays behind; left to itself V8 gives them 100 MB before it looks.
const ENGINE_LIMITS = { maxYoungGenerationSizeMb: 12 };

/** So long an evaluation may still take; then the thread is ended in the middle of it. */
const STOP_MS = 2_000;

interface Running<D> {
  readonly dispatch: D;
  /** Rejects when a thread ends unasked; resolves when it was stopped. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export type Engines = Running<SpreadDispatch>;

/** As many as are configured. */
export function startEngines(config: Config, log: Logger): Engines {
  const { engines: count, device, running = placesOf(device, count) } = config;
  const each = { ...config, running };
  const threads = Array.from({ length: count }, (_, engine) =>
    count === 1 ? startEngineThread(each, log) : startEngineThread(each, log.child({ engine }), engine),
  );
  return {
    dispatch: spreadWork(
      threads.map(({ dispatch }) => dispatch),
      running,
    ),
    // One that is missing is not made up for: whoever runs the process starts it anew.
    ended: Promise.all(threads.map(({ ended }) => ended)).then(() => {}),
    async stop() {
      await Promise.all(threads.map((thread) => thread.stop()));
    },
  };
}

/** @param engine which one it is, where there are several */
function startEngineThread(config: Config, log: Logger, engine?: number): Running<ThreadDispatch> {
  const { models, device, precision, threads, cacheFolder, running, waitingS, deadlineS, logLevel, traces } = config;
  const modelMemoryMb = config.modelMemoryMb === undefined ? undefined : config.modelMemoryMb / config.engines;
  const workerData: EngineConfig = {
    ...{ engine, models, device, precision, threads, cacheFolder, modelMemoryMb },
    ...{ running, waitingS, deadlineS, logLevel, traces },
  };
  const thread = new Worker(new URL('../engine-thread.ts', import.meta.url), {
    workerData,
    resourceLimits: ENGINE_LIMITS,
  });
  const dispatch = threadDispatch(thread, modelLog(log));
  let stopping = false;
  // An uncaught exception of the thread rejects, an exit resolves: the one is as bad as the other, unless we asked for it.
  const ended = once(thread, 'exit').then(() => {
    if (!stopping) throw new Error('the engine has ended');
  });
  ended.catch((reason: unknown) => dispatch.ended(reason instanceof Error ? reason : new Error(String(reason))));
  return {
    dispatch,
    ended,
    async stop() {
      stopping = true;
      thread.postMessage({ type: 'stop' } satisfies ToEngine);
      const late = setTimeout(() => thread.terminate(), STOP_MS);
      await ended.catch(() => {}); // whoever waits for its end is told
      clearTimeout(late);
    },
  };
}

/**
 * Engine and models in a thread of their own, so that the sockets' thread stays free.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { type ThreadDispatch, threadDispatch } from '../dispatch/thread.ts';
import type { EngineConfig } from '../engine-thread.ts';
import { modelLog } from '../model-log.ts';

// Steps leave short-lived arrays behind; left to itself V8 gives them 100 MB before it looks.
const ENGINE_LIMITS = { maxYoungGenerationSizeMb: 12 };

export interface EngineThread {
  readonly dispatch: ThreadDispatch;
  /** Rejects when the thread ends unasked; resolves when it was stopped. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export function startEngineThread(config: Config, log: Logger): EngineThread {
  const { models, device, precision, threads, cacheFolder, modelMemoryMb, running, waitingS, deadlineS } = config;
  const { logLevel, traces } = config;
  const workerData: EngineConfig = {
    ...{ models, device, precision, threads, cacheFolder, modelMemoryMb },
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
      await thread.terminate();
    },
  };
}

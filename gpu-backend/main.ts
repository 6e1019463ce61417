/**
 * The inference service: configuration, models, routes, and an orderly end.
 */
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Logger, pino } from 'pino';
import { returnFreedMemory } from './allocator.ts';
import { type Config, readConfig } from './config.ts';
import { createJournal } from './dispatch/journal.ts';
import { threadDispatch } from './dispatch/thread.ts';
import type { EngineConfig } from './engine-thread.ts';
import { createApp } from './http/app.ts';
import { createHttpCounters } from './http/counters.ts';
import { problemOf } from './http/problems.ts';
import { openServer } from './http/server.ts';
import { modelLog } from './model-log.ts';

// Steps leave short-lived arrays behind; left to itself V8 gives them 100 MB before it looks.
const ENGINE_LIMITS = { maxYoungGenerationSizeMb: 12 };

// What has been said by then is still read by whoever reads quickly.
const LAST_READERS_MS = 3_000;

export interface Service {
  /** http://host:port, with the port that was free where 0 was asked for. */
  readonly url: string;
  /** Resolves when the models are loaded; rejects when one cannot be. */
  readonly ready: Promise<void>;
  /** Rejects when the engine's thread ends unasked; resolves when it ends because the service was stopped. */
  readonly ended: Promise<void>;
  /** Takes no new work, lets what is under way end, closes. */
  stop(): Promise<void>;
}

/**
 * Starts the service: the routes in this thread, engine and models in one of their own. It listens at once and is ready when its
 * models are loaded.
 */
export async function startService(config: Config, log: Logger): Promise<Service> {
  const { models, device, precision, threads, cacheFolder, modelMemoryMb, running, waitingS, deadlineS } = config;
  const workerData: EngineConfig = {
    ...{ models, device, precision, threads, cacheFolder, modelMemoryMb },
    ...{ running, waitingS, deadlineS },
  };
  const thread = new Worker(new URL('./engine-thread.ts', import.meta.url), {
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
  const journal = createJournal({
    dispatch,
    problemOf: (thrown, id) => problemOf(thrown, log.child({ request: id })),
  });
  const counters = createHttpCounters();
  const metrics = async () => (await dispatch.metrics()) + counters.exposition();
  const app = createApp({ dispatch, journal, metrics, secret: config.secret, log, counters });
  const server = await openServer({ app, host: config.host, port: config.port, counters });
  const ready = dispatch.ready.then(() => {
    log.info({ device, precision, models: dispatch.models().map(({ id, revision }) => `${id}@${revision}`) }, 'ready');
  });
  ready.catch(() => {}); // the caller sees it; here it must not end the process before he does
  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${server.port}`,
    ready,
    ended,
    async stop() {
      stopping = true;
      await dispatch.drain(config.graceS * 1000); // still listening, so that /readyz can say so
      await server.close(LAST_READERS_MS);
      await thread.terminate();
    },
  };
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  if (config.modelMemoryMb !== undefined) returnFreedMemory();
  const log = pino({ level: config.logLevel });
  const service = await startService(config, log);
  log.info({ url: service.url }, 'listening');
  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'draining');
    await service.stop();
    log.info('stopped');
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  await service.ready;
  await service.ended;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main().catch((reason: unknown) => {
    console.error(reason instanceof Error ? reason.message : reason);
    process.exit(1);
  });
}

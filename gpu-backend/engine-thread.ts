/**
 * The entry point of the engine's thread: opens the models of its configuration and serves the line to the routes' thread.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { checkText } from './check.ts';
import type { Config } from './config.ts';
import { inlineDispatch } from './dispatch/inline.ts';
import { serveThread } from './dispatch/serve-thread.ts';
import type { FromEngine, Line, ToEngine } from './dispatch/thread-messages.ts';
import { capacityOf } from './engine/capacity.ts';
import { createCounters } from './engine/counters.ts';
import { createEngine } from './engine/engine.ts';
import { configuredModels } from './model/configured.ts';

/** What the engine needs of the configuration; the secret stays with the routes. */
export type EngineConfig = Pick<
  Config,
  'models' | 'device' | 'precision' | 'threads' | 'cacheFolder' | 'modelMemoryMb' | 'running' | 'waitingS' | 'deadlineS'
>;

if (parentPort === null) throw new Error('engine-thread.ts is the entry point of a worker thread');
const line: Line<FromEngine, ToEngine> = parentPort;
const config = workerData as EngineConfig;
const { running, waitingS } = config;
const capacity = { ...capacityOf(config.device), waitingS, ...(running === undefined ? {} : { running }) };
const counters = createCounters();
const { modelMemoryMb } = config;
const models = configuredModels(config.models, config, {
  limitBytes: modelMemoryMb === undefined ? undefined : modelMemoryMb * 1e6,
  mostWaiting: capacity.waiting,
  onState: (model) => line.postMessage({ type: 'model', model }),
});
const engine = models.then((pool) =>
  createEngine({ models: pool, check: checkText, counters, capacity, deadlineMs: 1000 * config.deadlineS }),
);
serveThread(line, inlineDispatch(engine), engine, () => counters.exposition());

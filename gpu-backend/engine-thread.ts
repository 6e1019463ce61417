/**
 * The entry point of the engine's thread: opens the models of its configuration and serves the line to the routes' thread.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { checkText } from './check.ts';
import type { Config } from './config.ts';
import { inlineDispatch } from './dispatch/inline.ts';
import { serveThread } from './dispatch/serve-thread.ts';
import { capacityOf } from './engine/capacity.ts';
import { createCounters } from './engine/counters.ts';
import { createEngine } from './engine/engine.ts';
import { openModel } from './model/registry.ts';

/** What the engine needs of the configuration; the secret stays with the routes. */
export type EngineConfig = Pick<
  Config,
  'models' | 'device' | 'precision' | 'threads' | 'cacheFolder' | 'running' | 'waitingS' | 'deadlineS'
>;

if (parentPort === null) throw new Error('engine-thread.ts is the entry point of a worker thread');
const config = workerData as EngineConfig;
const { running, waitingS } = config;
const capacity = { ...capacityOf(config.device), waitingS, ...(running === undefined ? {} : { running }) };
const counters = createCounters();
const engine = Promise.all(config.models.map((folder) => openModel(folder, config))).then((models) =>
  createEngine({ models, check: checkText, counters, capacity, deadlineMs: 1000 * config.deadlineS }),
);
serveThread(parentPort, inlineDispatch(engine), engine, () => counters.exposition());

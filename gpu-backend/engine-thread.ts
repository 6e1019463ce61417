/**
 * The entry point of the engine's thread: opens the models of its configuration and serves the line to the routes' thread.
 */
import { getPriority, setPriority } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { checkText } from './check.ts';
import type { Config } from './config.ts';
import { inlineDispatch } from './dispatch/inline.ts';
import { serveThread } from './dispatch/serve-thread.ts';
import type { FromEngine, Line, ToEngine } from './dispatch/thread-messages.ts';
import { watchWork } from './dispatch/watched.ts';
import { capacityOf } from './engine/capacity.ts';
import { countJobs, readLoad } from './engine/count-jobs.ts';
import { countModels } from './engine/count-models.ts';
import { createCounters } from './engine/counters.ts';
import { createEngine } from './engine/engine.ts';
import { logJobs } from './engine/log-jobs.ts';
import { configuredModels } from './model/configured.ts';
import { threadLog } from './thread-log.ts';

/** By Linux's scale of 0 to 19: where there is no core for both, the sockets' thread gets most of one. */
const ENGINE_NICENESS = 5;

/** What the engine needs of the configuration; the secret stays with the routes. */
export type EngineConfig = Pick<
  Config,
  | 'models'
  | 'device'
  | 'precision'
  | 'threads'
  | 'cacheFolder'
  | 'modelMemoryMb'
  | 'running'
  | 'waitingS'
  | 'deadlineS'
  | 'logLevel'
  | 'traces'
> & {
  /** Which one it is, where there are several. */
  readonly engine?: number;
};

if (parentPort === null) throw new Error('engine-thread.ts is the entry point of a worker thread');
// Engines take every core there is; the thread of the sockets has little to do, and that at once. Linux has a priority for each thread,
// which the threads of onnxruntime get from this one; elsewhere it would be the process's.
// Only ever further down: back up needs a privilege.
if (process.platform === 'linux') setPriority(Math.max(getPriority(), ENGINE_NICENESS));
const line: Line<FromEngine, ToEngine> = parentPort;
const config = workerData as EngineConfig;
const { log, written } = threadLog(config.logLevel, { thread: 'engine', engine: config.engine });
const { running, waitingS } = config;
const capacity = { ...capacityOf(config.device), waitingS, ...(running === undefined ? {} : { running }) };
const counters = createCounters();
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
counters.read('engine_heap_bytes', () => process.memoryUsage().heapUsed);
counters.read('engine_event_loop_delay_seconds', () => {
  const seconds = delay.percentile(99) / 1e9;
  delay.reset();
  return seconds;
});
const countModel = countModels(counters);
const { modelMemoryMb } = config;
const models = configuredModels(config.models, config, {
  limitBytes: modelMemoryMb === undefined ? undefined : modelMemoryMb * 1e6,
  mostWaiting: capacity.waiting,
  onState: (model) => {
    countModel(model);
    line.postMessage({ type: 'model', model });
  },
});
const engine = models.then((pool) =>
  createEngine({ models: pool, check: checkText, counters, capacity, deadlineMs: 1000 * config.deadlineS }),
);
engine.then((ready) => readLoad(counters, ready)).catch(() => {}); // whoever waits for the models is told why
// Nothing of OpenTelemetry is even read where no spans are sent.
const traces = config.traces && (await import('./engine/trace-jobs.ts')).traceJobs(config.traces);
const watchers = [countJobs(counters), logJobs(log), ...(traces === undefined ? [] : [traces.watcher])];
const dispatch = watchWork(inlineDispatch(engine), watchers);
serveThread(
  line,
  {
    ...dispatch,
    async drain(graceMs) {
      await dispatch.drain(graceMs);
      await traces?.end();
      await written(); // the thread is ended behind its answer
    },
  },
  engine,
  counters.snapshot,
);
// Ends itself, between two things it does: ended from outside in the middle of an evaluation, the runtime would abort the process.
line.on('message', ({ type }) => {
  if (type === 'stop') process.exit(0);
});

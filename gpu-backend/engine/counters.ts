/**
 * What the engine counts and measures.
 */
import { createMetrics, type Metrics, type PlainCounter, SECONDS } from './metrics.ts';
import { OUTCOMES } from './outcome.ts';

export const FAMILIES = {
  texts_running: { kind: 'gauge', help: 'Texts being denoised.' },
  texts_waiting: { kind: 'gauge', help: 'Texts that wait to be denoised.' },
  backlog_seconds: {
    kind: 'gauge',
    help: 'Predicted time until what runs and what waits is done.',
    together: 'max',
  },
  queue_seconds: { kind: 'histogram', help: 'Time a job waited before its first text began.', buckets: SECONDS },
  texts_started: { kind: 'counter', help: 'Texts that began to be denoised.' },
  texts_finished: { kind: 'counter', help: 'Texts that passed the check and were handed out.' },
  texts_failed: { kind: 'counter', help: 'Texts that ended in a problem of ours.' },
  texts_cancelled: { kind: 'counter', help: 'Texts whose reader went away.' },
  texts_refused: { kind: 'counter', help: 'Texts refused because they would have waited too long.' },
  texts_expired: { kind: 'counter', help: 'Texts not finished by their deadline.' },
  check_failures: { kind: 'counter', help: 'Finished texts withheld by the independent check; must stay 0.' },
  jobs: {
    kind: 'counter',
    help: 'Jobs that ended, by how, and by the code of their problem or why they were broken off.',
    labels: { outcome: OUTCOMES, code: [] },
  },
  job_seconds: {
    kind: 'histogram',
    help: 'Time from the arrival of a job at its engine to its end, by how it ended.',
    labels: { outcome: OUTCOMES },
    buckets: SECONDS,
  },
  denoising_steps: { kind: 'counter', help: 'Denoising steps.', labels: { model: [], sampler: [] } },
  step_seconds: {
    kind: 'histogram',
    help: 'Time of one denoising step of a text, its wait for a model call included.',
    buckets: SECONDS,
  },
  step_committed: {
    kind: 'histogram',
    help: 'Tokens committed by one denoising step.',
    labels: { sampler: [] },
    buckets: [0, 1, 2, 4, 8, 16, 32, 64, 128],
  },
  batches: { kind: 'counter', help: 'Calls of a model session.' },
  model_evaluations: { kind: 'counter', help: 'Canvases in those calls: forward passes, twins included.' },
  positions_evaluated: { kind: 'counter', help: 'Positions in those calls, padding left out.' },
  positions_padded: { kind: 'counter', help: 'Padding in those calls.' },
  batch_fill_ratio: {
    kind: 'histogram',
    help: 'Canvases of a model call as a share of the most it may have.',
    buckets: [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1],
  },
  evaluation_seconds: { kind: 'histogram', help: 'Time of one call of a model session.', buckets: SECONDS },
  reduced_bytes: { kind: 'counter', help: 'Bytes to and from a device that keeps its rows.' },
  models_loaded: { kind: 'gauge', help: 'Models that are open, one in two engines as two.' },
  model_loads: { kind: 'counter', help: 'Models opened.', labels: { model: [] } },
  model_unloads: { kind: 'counter', help: 'Models closed to make room for others.', labels: { model: [] } },
  model_load_failures: { kind: 'counter', help: 'Models that could not be opened.', labels: { model: [] } },
  engine_heap_bytes: { kind: 'gauge', help: 'JavaScript heap in use in the threads of the engines.' },
  engine_event_loop_delay_seconds: {
    kind: 'gauge',
    help: '99th percentile of the delay of the event loop of the engine since it was last asked for; of several engines, the longest.',
    together: 'max',
  },
} as const;

export type Counters = Metrics<typeof FAMILIES>;
/** Those without labels. */
export type CounterName = PlainCounter<typeof FAMILIES>;

export const createCounters = (): Counters => createMetrics(FAMILIES);

/**
 * What the routes count and measure: connections, requests, streams, and the work behind them as its readers see it.
 */
import { createMetrics, type Metrics, SECONDS } from '../engine/metrics.ts';
import { OUTCOMES } from '../engine/outcome.ts';

export const HTTP_PREFIX = 'maskwright_http_';

const SIGNATURE_FAULTS = ['missing', 'stale', 'wrong', 'replayed'] as const;
export type SignatureFault = (typeof SIGNATURE_FAULTS)[number];

export const HTTP_FAMILIES = {
  requests: { kind: 'counter', help: 'Requests answered, by route and status.', labels: { route: [], status: [] } },
  request_seconds: {
    kind: 'histogram',
    help: 'Time from the headers of a request to the head of its answer; of a stream, to its first event.',
    labels: { route: [] },
    buckets: SECONDS,
  },
  requests_refused: { kind: 'counter', help: 'Requests answered with a problem, by its code.', labels: { code: [] } },
  signatures_refused: {
    kind: 'counter',
    help: 'Requests whose signature was refused, by why.',
    labels: { reason: SIGNATURE_FAULTS },
  },
  connections_refused: {
    kind: 'counter',
    help: 'Connections closed because as many as allowed were open, or said nothing.',
  },
  connections_broken: {
    kind: 'counter',
    help: 'Connections ended because what came was no HTTP or came too slowly, by error.',
    labels: { error: [] },
  },
  streams_started: { kind: 'counter', help: 'Streams begun.' },
  streams_resumed: { kind: 'counter', help: 'Streams taken up again.' },
  streams_left: { kind: 'counter', help: 'Streams whose reader went away before their end.' },
  streams_stalled: { kind: 'counter', help: 'Streams closed because nothing was taken from them.' },
  keep_alives: { kind: 'counter', help: 'Empty lines sent in silence.' },
  open_jobs: { kind: 'gauge', help: 'Jobs whose events are being made or waited for.' },
  job_accounts: {
    kind: 'gauge',
    help: 'Jobs of which it is known what they did: those that run and those that ended lately.',
  },
  answers: {
    kind: 'counter',
    help: 'Jobs that ended, as their reader sees it: how, and the code of their problem or why they were broken off.',
    labels: { outcome: OUTCOMES, code: [] },
  },
  answer_seconds: {
    kind: 'histogram',
    help: 'Time from the arrival of a job to its last event, as its reader sees it, by how it ended.',
    labels: { outcome: OUTCOMES },
    buckets: SECONDS,
  },
} as const;

export type HttpCounters = Metrics<typeof HTTP_FAMILIES>;

export const createHttpCounters = (): HttpCounters => createMetrics(HTTP_FAMILIES, HTTP_PREFIX);

/**
 * What gateways and engines count of the work between them.
 */
import { createMetrics, type Metrics, type PlainCounter } from '../../engine/metrics.ts';

export const NATS_PREFIX = 'maskwright_nats_';

export const NATS_FAMILIES = {
  engines: { kind: 'gauge', help: 'Engines that this gateway has heard of lately and that take work.' },
  jobs_waiting: { kind: 'gauge', help: 'Jobs on the stream that no engine has yet, as of the last second.' },
  jobs_submitted: { kind: 'counter', help: 'Jobs this gateway put on the stream.' },
  jobs_refused: {
    kind: 'counter',
    help: 'Jobs this gateway refused because too much was waiting or no engine was there.',
  },
  jobs_taken_up: { kind: 'counter', help: 'Jobs whose stream this gateway took up from another.' },
  jobs_cancelled: { kind: 'counter', help: 'Jobs this gateway cancelled before their end.' },
  jobs_rested: { kind: 'counter', help: 'Jobs freed until their reader wanted more.' },
  event_gaps: { kind: 'counter', help: 'Streams broken off because an event was missing; must stay 0.' },
  events_repeated: { kind: 'counter', help: 'Events that came again and were dropped.' },
  steps_repeated: { kind: 'counter', help: 'Of them, steps: work that was done twice.' },
  malformed_messages: { kind: 'counter', help: 'Messages that were not what they should be.' },
  jobs_claimed: { kind: 'counter', help: 'Jobs this engine began or went on with.' },
  jobs_resumed: {
    kind: 'counter',
    help: 'Of them, jobs that another engine, or an earlier life of this one, had begun.',
  },
  jobs_handed_over: {
    kind: 'counter',
    help: 'Jobs given back at a checkpoint because the engine was told to end.',
  },
  jobs_set_aside: {
    kind: 'counter',
    help: 'Jobs given up after several tries without progress, or that could not be read.',
  },
  leases_lost: { kind: 'counter', help: 'Jobs dropped because another engine had taken them over.' },
  tries_failed: { kind: 'counter', help: 'Jobs given back because something unexpected failed.' },
} as const;

export type CountedName = PlainCounter<typeof NATS_FAMILIES>;
export type Counted = Metrics<typeof NATS_FAMILIES>;

export const createCounted = (): Counted => createMetrics(NATS_FAMILIES, NATS_PREFIX);

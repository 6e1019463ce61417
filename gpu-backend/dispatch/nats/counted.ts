/**
 * What gateways and engines count of the work between them. Names as they stand in the Prometheus exposition of GET /metrics.
 */

const MEANINGS = {
  jobs_submitted: 'Jobs this gateway put on the stream.',
  jobs_refused: 'Jobs this gateway refused because too much was waiting or no engine was there.',
  jobs_taken_up: 'Jobs whose stream this gateway took up from another.',
  jobs_cancelled: 'Jobs this gateway cancelled before their end.',
  jobs_rested: 'Jobs freed until their reader wanted more.',
  event_gaps: 'Streams broken off because an event was missing; must stay 0.',
  events_repeated: 'Events that came again and were dropped.',
  steps_repeated: 'Of them, steps: work that was done twice.',
  malformed_messages: 'Messages that were not what they should be.',
  jobs_claimed: 'Jobs this engine began or went on with.',
  jobs_resumed: 'Of them, jobs that another engine, or an earlier life of this one, had begun.',
  jobs_handed_over: 'Jobs given back at a checkpoint because the engine was told to end.',
  jobs_set_aside: 'Jobs given up after several tries without progress, or that could not be read.',
  leases_lost: 'Jobs dropped because another engine had taken them over.',
  tries_failed: 'Jobs given back because something unexpected failed.',
} as const;

export type CountedName = keyof typeof MEANINGS;

export interface Counted {
  add(name: CountedName, amount?: number): void;
  value(name: CountedName): number;
  /** Prometheus text format, version 0.0.4. */
  exposition(): string;
}

export function createCounted(): Counted {
  const values = new Map<CountedName, number>();
  const value = (name: CountedName) => values.get(name) ?? 0;
  return {
    value,
    add: (name, amount = 1) => void values.set(name, value(name) + amount),
    exposition: () =>
      Object.entries(MEANINGS)
        .map(([key, meaning]) => {
          const name = `maskwright_nats_${key}_total`;
          return `# HELP ${name} ${meaning}\n# TYPE ${name} counter\n${name} ${value(key as CountedName)}\n`;
        })
        .join(''),
  };
}

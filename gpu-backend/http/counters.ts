/**
 * What the routes count. Names as they stand in the Prometheus exposition of GET /metrics.
 */

const MEANINGS = {
  connections_refused: 'Connections closed because as many as allowed were open, or said nothing.',
  connections_broken: 'Connections ended because what came was no HTTP or came too slowly, by error.',
  requests_refused: 'Requests answered with a problem, by its code.',
  signatures_refused: 'Requests whose signature was refused, by why.',
  streams_started: 'Streams begun.',
  streams_resumed: 'Streams taken up again.',
  streams_left: 'Streams whose reader went away before their end.',
  streams_stalled: 'Streams closed because nothing was taken from them.',
  keep_alives: 'Empty lines sent in silence.',
} as const;

/** Counters that are kept apart by a label, and its name. */
const LABELS: { readonly [Name in keyof typeof MEANINGS]?: string } = {
  connections_broken: 'error',
  requests_refused: 'code',
  signatures_refused: 'reason',
};

export type HttpCounter = keyof typeof MEANINGS;

export interface HttpCounters {
  /** @param label of a counter that is kept apart by one */
  add(name: HttpCounter, label?: string): void;
  /** The sum over its labels where none is given. */
  value(name: HttpCounter, label?: string): number;
  /** Prometheus text format, version 0.0.4. */
  exposition(): string;
}

export function createHttpCounters(): HttpCounters {
  const values = new Map<HttpCounter, Map<string, number>>();
  const of = (name: HttpCounter) => values.get(name) ?? new Map<string, number>();
  return {
    add(name, label = '') {
      const labels = of(name);
      labels.set(label, (labels.get(label) ?? 0) + 1);
      values.set(name, labels);
    },
    value(name, label) {
      if (label !== undefined) return of(name).get(label) ?? 0;
      return [...of(name).values()].reduce((sum, value) => sum + value, 0);
    },
    exposition() {
      const lines = Object.entries(MEANINGS).flatMap(([key, meaning]) => {
        const name = `maskwright_http_${key}_total`;
        const label = LABELS[key as HttpCounter];
        const samples = [...of(key as HttpCounter)].map(([value, count]) => `${name}{${label}="${value}"} ${count}`);
        const plain = `${name} ${of(key as HttpCounter).get('') ?? 0}`;
        return [`# HELP ${name} ${meaning}`, `# TYPE ${name} counter`, ...(label === undefined ? [plain] : samples)];
      });
      return `${lines.join('\n')}\n`;
    },
  };
}

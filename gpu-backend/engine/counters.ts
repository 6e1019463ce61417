/**
 * What the engine counts. Names as they stand in the Prometheus exposition of GET /metrics.
 */

const MEANINGS = {
  texts_started: 'Texts that began to be denoised.',
  texts_finished: 'Texts that passed the check and were handed out.',
  texts_failed: 'Texts that ended in a problem of ours.',
  texts_cancelled: 'Texts whose reader went away.',
  texts_refused: 'Texts refused because they would have waited too long.',
  texts_expired: 'Texts not finished by their deadline.',
  check_failures: 'Finished texts withheld by the independent check; must stay 0.',
  denoising_steps: 'Denoising steps of finished texts.',
  model_evaluations: 'Forward passes of finished texts, twins included.',
  batches: 'Calls of a model session.',
  canvases: 'Canvases in those calls.',
  positions: 'Positions in those calls, padding not counted.',
  padding: 'Padding in those calls.',
  reduced_bytes: 'Bytes to and from a device that keeps its rows.',
} as const;

export type CounterName = keyof typeof MEANINGS;

export interface Counters {
  add(name: CounterName, amount?: number): void;
  value(name: CounterName): number;
  /** Prometheus text format, version 0.0.4. */
  exposition(): string;
}

export function createCounters(): Counters {
  const values = new Map<CounterName, number>();
  const value = (name: CounterName) => values.get(name) ?? 0;
  return {
    value,
    add(name, amount = 1) {
      values.set(name, value(name) + amount);
    },
    exposition() {
      const lines = Object.entries(MEANINGS).flatMap(([key, meaning]) => {
        const name = `maskwright_${key}_total`;
        return [`# HELP ${name} ${meaning}`, `# TYPE ${name} counter`, `${name} ${value(key as CounterName)}`];
      });
      return `${lines.join('\n')}\n`;
    },
  };
}

/**
 * How long the parts of a request took, as its answer says it (`Server-Timing`). Clocks of Workers stand still while they compute:
 * what waits for something shows, what computes is 0 there.
 */

export interface Timing {
  /** Passes a promise on and notes how long it took. */
  measure<Value>(part: string, work: Promise<Value>): Promise<Value>;
  /** The header so far. */
  header(): string;
}

export function startTiming(): Timing {
  const start = performance.now();
  const parts: string[] = [];
  const note = (part: string, since: number) =>
    parts.push(`${part};dur=${Math.round((performance.now() - since) * 10) / 10}`);
  return {
    async measure(part, work) {
      const since = performance.now();
      try {
        return await work;
      } finally {
        note(part, since);
      }
    },
    header() {
      note('total', start);
      return parts.join(', ');
    },
  };
}

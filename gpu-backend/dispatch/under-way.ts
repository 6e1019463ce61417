/**
 * The jobs that are under way, for whoever has to wait for their end.
 */

export interface UnderWay {
  /** Passes the events of a job on; until they end, it is under way. */
  counting<Event>(events: AsyncGenerator<Event, void>): AsyncGenerator<Event, void>;
  /** Resolves when none is under way any more. */
  ended(): Promise<void>;
}

export function createUnderWay(): UnderWay {
  const jobs = new Set<Promise<void>>();
  return {
    async *counting(events) {
      const { promise, resolve } = Promise.withResolvers<void>();
      jobs.add(promise);
      try {
        yield* events;
      } finally {
        jobs.delete(promise);
        resolve();
      }
    },
    async ended() {
      while (jobs.size > 0) await Promise.all(jobs);
    },
  };
}

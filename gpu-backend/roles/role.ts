/**
 * What every role of the process is to whoever started it.
 */
export interface Service {
  /** Where it listens: http://host:port. */
  readonly url: string;
  /** Resolves when it takes work; rejects when it never can. */
  readonly ready: Promise<void>;
  /** Rejects when it ends unasked; resolves when it ends because it was stopped. */
  readonly ended: Promise<void>;
  /** Takes no new work, lets what is under way end or hands it over, closes. */
  stop(): Promise<void>;
}

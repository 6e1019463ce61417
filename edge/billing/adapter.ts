/** What meters entries beside our own statements: the one interface. */
import type { Exported } from '../ledger/protocol.ts';

export interface Adapter {
  readonly name: string;
  /** Whether this entry goes there at all. */
  wants(entry: Exported): boolean;
  /**
   * Hands entries on, at least once: the receiver knows an entry it has by its id.
   * @returns of each entry, in order, why it was not taken; undefined where it was
   */
  send(entries: readonly Exported[]): Promise<readonly (string | undefined)[]>;
}

/** Longest wait for a receiver. */
export const RECEIVER_TIMEOUT_MS = 10_000;

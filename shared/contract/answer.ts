/** The answers of the public API that are one JSON object. */
import type { PricedUsage } from './price.ts';
import type { DoneEvent } from './stream.ts';

/** How the cache was used. */
export interface CacheStatus {
  /**
   * `bypass`: the request may give other bytes each time, or asked not to be cached. `stale`: what is kept is older than the request
   * wants it. `joined`: an identical request of the account is under way, and its answer is this one's too.
   */
  readonly status: 'hit' | 'miss' | 'stale' | 'refresh' | 'joined' | 'bypass';
  /** Seconds since the answer was made; 0 unless it is a hit. */
  readonly age: number;
  /** Seconds for which this answer is kept from now on; 0 where it is not. */
  readonly ttl: number;
}

interface Head {
  readonly id: string;
  readonly object: 'generation';
  readonly model: string;
  readonly revision: string;
  readonly seed: number;
  readonly cache: CacheStatus;
}

/** A finished text, as the public API gives it. */
export type FinishedText = Omit<DoneEvent, 'type' | 'index' | 'usage'> & { readonly usage: PricedUsage };

/** The answer to a request for one text. */
export type GenerationAnswer = Head & FinishedText;

/** The answer to a request for several texts; `usage` is their sum. */
export type GenerationAnswers = Head & {
  readonly choices: readonly (FinishedText & { readonly index: number })[];
  readonly usage: PricedUsage;
};

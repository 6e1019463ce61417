/**
 * Token buckets of keys, in memory. Memory is enough: the ledger is the only one who counts, and lives on while requests come; an object
 * that was away for want of them, or for a new version, at worst gives a key one full bucket. A write for each request would cost more
 * than that.
 *
 * Counted in whole units, a token being 60,000 of them, so that a bucket for n requests a minute gets n units a millisecond and is exact.
 */
import type { RateState } from './protocol.ts';

const WINDOW_S = 60;
const TOKEN = WINDOW_S * 1000;

interface Bucket {
  /** Units that are missing from a full bucket, at this time. */
  missing: number;
  at: number;
}

export interface Taken {
  readonly rate: RateState;
  /** Milliseconds until there is a token; 0 where one was taken. */
  readonly waitMs: number;
}

export class Rates {
  private readonly buckets = new Map<string, Bucket>();

  /** The key's bucket as it is. */
  state(key: string, perMinute: number, now: number): RateState {
    return stateOf(this.bucket(key, perMinute, now), perMinute);
  }

  /** Takes a token for a request, where there is one. */
  take(key: string, perMinute: number, now: number): Taken {
    const bucket = this.bucket(key, perMinute, now);
    const over = bucket.missing + TOKEN - perMinute * TOKEN;
    if (over <= 0) bucket.missing += TOKEN;
    return { rate: stateOf(bucket, perMinute), waitMs: over <= 0 ? 0 : Math.ceil(over / perMinute) };
  }

  private bucket(key: string, perMinute: number, now: number): Bucket {
    let bucket = this.buckets.get(key);
    if (bucket === undefined) {
      bucket = { missing: 0, at: now };
      this.buckets.set(key, bucket);
    }
    const filled = Math.max(0, now - bucket.at) * perMinute;
    // The terms of a key may have changed meanwhile: no bucket is emptier than empty.
    bucket.missing = Math.min(perMinute * TOKEN, Math.max(0, bucket.missing - filled));
    bucket.at = now;
    return bucket;
  }
}

function stateOf({ missing }: Bucket, perMinute: number): RateState {
  const remaining = Math.floor((perMinute * TOKEN - missing) / TOKEN);
  return { limit: perMinute, window: WINDOW_S, remaining, reset: Math.ceil(missing / perMinute / 1000) };
}

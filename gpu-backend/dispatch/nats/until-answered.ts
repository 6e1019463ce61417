/**
 * Requests to servers that may be restarting: asked again until one is answered.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';

const PAUSE_MS = 100;
const JITTER_MS = 200;

/** Whether asking again is of no use: the servers have understood and refused, or this process is closing its connection. */
function isFinal(reason: unknown): boolean {
  if (reason instanceof errors.ClosedConnectionError || reason instanceof errors.DrainingConnectionError) return true;
  return reason instanceof JetStreamApiError && reason.status < 500;
}

/**
 * The answer to a request that may be asked more than once: each try has to mean the same.
 *
 * @throws what the servers refuse it with; the signal's reason when that aborts first
 */
export type UntilAnswered = <T>(ask: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

const AGAIN = Symbol('again');

/** @param reconnected resolves when a connection that was lost is there again: what was asked before it was may be lost */
export function createUntilAnswered(reconnected: () => Promise<void>): UntilAnswered {
  return async (ask, signal) => {
    for (;;) {
      signal?.throwIfAborted();
      try {
        const answer = await Promise.race([ask(), reconnected().then((): typeof AGAIN => AGAIN)]);
        if (answer !== AGAIN) return answer;
      } catch (reason) {
        if (isFinal(reason)) throw reason;
        await sleep(PAUSE_MS + Math.random() * JITTER_MS, undefined, { signal }).catch(() => {});
      }
    }
  };
}

/** Whether a write was refused because the key or subject has changed since it was read. */
export function hasChanged(reason: unknown): boolean {
  const WRONG_LAST_SEQUENCE = 10_071;
  return reason instanceof JetStreamApiError && reason.code === WRONG_LAST_SEQUENCE;
}

/**
 * Replay protection: a signature is accepted once while its time stamp could still be accepted.
 */
import { problem } from '../../shared/contract/problem.ts';

/** A time stamp may lie one skew ahead of our clock and stays acceptable until one skew behind it. */
export const MEMORY_MS = 120_000;
// 64 hexadecimal digits each: about 10 MB at the bound, 830 requests a second for the whole window.
const MOST_SIGNATURES = 100_000;

export interface ReplayGuard {
  /** @throws ProblemError bad_signature when it was seen before */
  check(signature: string, now: number): void;
  /**
   * Remembers a verified signature.
   * @throws ProblemError bad_signature when it was seen before; overloaded when too many are remembered
   */
  once(signature: string, now: number): void;
}

export function createReplayGuard(most: number = MOST_SIGNATURES): ReplayGuard {
  const seen = new Map<string, number>(); // signature -> when it may be forgotten; oldest first
  /** The signature as it is remembered: hexadecimal digits verify in either case. */
  const unseen = (given: string, now: number): string => {
    for (const [signature, until] of seen) {
      if (until > now) break;
      seen.delete(signature);
    }
    const signature = given.toLowerCase();
    if (seen.has(signature)) throw problem('bad_signature', 'This signature was used before.');
    return signature;
  };
  return {
    check(given, now) {
      unseen(given, now);
    },
    once(given, now) {
      const signature = unseen(given, now);
      // Forgetting one early would let it be replayed; refusing does no harm but to the newcomer.
      if (seen.size >= most) {
        throw problem('overloaded', `${most} requests came within ${MEMORY_MS / 1000} s.`, { retryAfter: 1 });
      }
      seen.set(signature, now + MEMORY_MS);
    },
  };
}

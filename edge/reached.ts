/** What D1, KV or a ledger does not answer: our failure, which a caller may try again. */
import { ProblemError, problem } from '../shared/contract/problem.ts';
import { log } from './watching/log.ts';

const RETRY_AFTER_S = 1;

/**
 * Does something with a part of the platform.
 * @param what it is, for the log
 * @throws ProblemError `ledger_unavailable` where it fails; problems of our own pass through.
 */
export async function reached<Value>(what: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    log('error', `${what} failed`, { error: String(error) });
    throw problem('ledger_unavailable', 'The account cannot be reached; try again.', { retryAfter: RETRY_AFTER_S });
  }
}

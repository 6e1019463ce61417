/** A request whose answer is being computed for an identical one: it follows that one's job. */
import { ProblemError } from '../../shared/contract/problem.ts';
import { backendFailed } from '../backends/backend.ts';
import { type NumberedProgress, resume } from '../backends/forward.ts';
import type { Env } from '../env.ts';
import { started } from '../iteration.ts';

export interface Leader {
  /** Id of its job. */
  readonly job: string;
  readonly owner: string;
  /** Texts that it makes. */
  readonly texts: number;
}

// Whoever leads has begun at the ledger, and may be still on his way to the service: a few milliseconds, seldom more.
const WAITS_MS = [5, 10, 20, 40, 80, 160, 320, 640];

/**
 * The events of the leader's job from its first on; undefined where it does not come to be.
 * @throws ProblemError what the job failed by before its first event
 */
export async function follow(
  env: Env,
  leader: Leader,
  signal: AbortSignal,
): Promise<AsyncGenerator<NumberedProgress> | undefined> {
  for (const wait of [0, ...WAITS_MS]) {
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    try {
      return await started(whole(env, leader, signal));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return undefined;
}

const isGone = (error: unknown) => error instanceof ProblemError && error.problem.code === 'stream_gone';

/** A stream that is taken up does not say by itself whether it was complete. */
async function* whole(env: Env, { job, owner, texts }: Leader, signal: AbortSignal): AsyncGenerator<NumberedProgress> {
  let finished = 0;
  for await (const numbered of resume(env, { id: job, owner, after: -1 }, signal)) {
    if (numbered.event.type === 'done') finished++;
    yield numbered;
  }
  if (finished !== texts) throw backendFailed('it broke off before the text was finished');
}

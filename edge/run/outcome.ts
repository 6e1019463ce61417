/** What becomes of a request once its events come: it is watched to its end, and then its answer is kept and its money settled. */
import type { Context } from 'hono';
import type { GenerationJob } from '../../shared/contract/generation.ts';
import type { Work } from '../../shared/contract/price.ts';
import type { ProgressEvent } from '../../shared/contract/stream.ts';
import { answerKey, type CacheSubject } from '../answers/cache.ts';
import { keepAnswer } from '../answers/kept-answers.ts';
import { type PricedProgress, priced } from '../answers/priced.ts';
import type { NumberedProgress } from '../backends/forward.ts';
import { endJob } from '../backends/work.ts';
import type { EdgeTypes } from '../env.ts';
import type { KeptAnswer } from '../ledger/protocol.ts';
import type { Meter } from './meter.ts';

/** A request that has begun and whose answer is on its way. */
export interface UnderWay {
  readonly origin: 'computed' | 'joined';
  readonly job: GenerationJob;
  readonly meter: Meter;
  readonly subject: CacheSubject;
  /** Aborted when its reader is gone. */
  readonly signal: AbortSignal;
}

type Outcome = 'done' | 'failed' | 'left';

/** Beyond the time for which a stream can be taken up: then the service says for sure what ran. */
export const COLLECT_MARGIN_MS = 1_000;

/** Passes events on with their prices. However the iteration ends, what is to be done then is done while nobody waits. */
export async function* watched(
  c: Context<EdgeTypes>,
  request: UnderWay,
  events: AsyncGenerator<NumberedProgress>,
): AsyncGenerator<PricedProgress> {
  const { origin, job, meter, signal } = request;
  const made: ProgressEvent[] = [];
  let missing = job.request.n ?? 1;
  let failed = false;
  try {
    for await (const numbered of events) {
      made.push(numbered.event);
      if (numbered.event.type === 'done') missing--;
      yield priced(origin, meter.price, numbered);
    }
  } catch (thrown) {
    failed = !signal.aborted;
    throw thrown;
  } finally {
    const outcome: Outcome = failed ? 'failed' : missing === 0 ? 'done' : 'left';
    inBackground(c, () => end(c, request, outcome, { made: Date.now(), events: made }));
  }
}

/** Does something behind the answer's last byte, where the runtime lets us know of it; in any case behind what is being written. */
export function inBackground(c: Context<EdgeTypes>, work: () => Promise<unknown>): void {
  const turn = new Promise<void>((resolve) => setTimeout(resolve));
  c.executionCtx.waitUntil(turn.then(work));
}

async function end(
  c: Context<EdgeTypes>,
  { origin, job, meter, subject }: UnderWay,
  outcome: Outcome,
  answer: KeptAnswer,
): Promise<void> {
  if (outcome === 'failed') return await meter.release();
  if (outcome === 'left') return await left(c, job, meter);
  const kept = await keeping(c, subject, answer);
  // Kept first: an identical request that comes in between finds either the answer or a request to join.
  await kept?.near();
  const texts: Work[] = answer.events.flatMap((event) => (event.type === 'done' ? [event.usage] : []));
  if (origin === 'computed') await meter.computed(texts, answer);
  else await meter.had('joined', texts.length, answer);
  await kept?.everywhere();
}

/** The ledger asks what ran: once nobody can take the stream up again, or at once. */
async function left(c: Context<EdgeTypes>, { id: job, resume_ms: resumeMs }: GenerationJob, meter: Meter) {
  if (resumeMs !== undefined) return await meter.leave(resumeMs + COLLECT_MARGIN_MS);
  // The closed connection may be long in telling; others who read the job go on with it.
  await endJob(c.env, { job, owner: c.get('caller').account }).catch(() => undefined);
  await meter.leave(0);
}

async function keeping(c: Context<EdgeTypes>, subject: CacheSubject, answer: KeptAnswer) {
  const { ttl } = subject.policy;
  // Under the revision that answered, which may be newer than the one the edge remembers.
  const revision = answer.events.find((event) => event.type === 'accepted')?.revision;
  if (ttl === 0 || revision === undefined) return undefined;
  return keepAnswer(c.env, await answerKey(subject, revision), answer, ttl);
}

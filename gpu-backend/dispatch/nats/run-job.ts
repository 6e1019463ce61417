/**
 * The work on a claimed job: its events published, its checkpoints written, and in every case either acknowledged or given back.
 */
import { once } from 'node:events';
import { ProblemError, problem } from '../../../shared/contract/problem.ts';
import type { ClaimedJob, WorkContext } from './claimed-job.ts';
import { LeaseLost } from './lease.ts';
import { createOutbox, type Outbox } from './outbox.ts';

/** Steps of a text from one checkpoint to the next: what is done twice when an engine dies. */
const CHECKPOINT_EVERY = 2;
/** A failure may be the engine's own, so another should have the job next. */
export const RETRY_MS = 500;

/** Why work on a job is ended before the job is. */
export type StopReason = 'cancelled' | 'rest' | 'hand-over';

export interface RunningJob {
  stop(reason: StopReason): void;
  /** Resolves when it has made progress or has ended. */
  readonly settled: Promise<void>;
  /** Resolves when it has ended, however; never rejects. */
  readonly ended: Promise<void>;
}

/** @param turn resolves when the work may begin; the lease is kept meanwhile */
export function runJob(job: ClaimedJob, context: WorkContext, turn: Promise<void>): RunningJob {
  const { delivery, lease, publish, log } = job;
  const { counted } = context;
  const keeping = setInterval(() => delivery.working(), context.leaseMs / 4);
  const progress = Promise.withResolvers<void>();
  const stop = new AbortController();
  const outbox = createOutbox({
    publish: (events) => publish({ type: 'events', events }),
    async save(texts) {
      await lease.advance(texts);
      progress.resolve();
    },
    onFailure: (reason) => stop.abort(reason),
  });

  async function run(): Promise<void> {
    try {
      await Promise.race([turn, once(stop.signal, 'abort')]);
      await work(job, context, outbox, stop.signal);
    } catch (thrown) {
      await endEarly(stop.signal.aborted ? stop.signal.reason : thrown, job, context, outbox);
    }
  }

  const ended = run()
    // What fails here too is the lease's loss, or a connection that is closed: the job comes to another engine by itself.
    .catch((reason: unknown) => {
      if (reason instanceof LeaseLost) counted.add('leases_lost');
      log.warn({ err: reason }, 'left as it is');
    })
    .finally(() => {
      clearInterval(keeping);
      progress.resolve();
    });
  return { stop: (reason) => stop.abort(reason), settled: progress.promise, ended };
}

/** To the end, where nothing comes between. */
async function work(
  { delivery, message, lease, log }: ClaimedJob,
  { dispatch }: WorkContext,
  outbox: Outbox,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const began = performance.now();
  const remaining = message.deadline - Date.now();
  if (remaining <= 0) throw problem('deadline_exceeded', 'The text was not begun in time.');
  const job = { ...message.job, deadline_ms: remaining };
  const resumption = { from: lease.texts, checkpointEvery: CHECKPOINT_EVERY };
  for await (const event of dispatch.generate(job, { signal, wants: outbox.wants }, resumption)) outbox.push(event);
  await outbox.flushed();
  await lease.leave('ended');
  delivery.ack();
  log.info({ ms: Math.round(performance.now() - began), resumed: lease.texts.length > 0 }, 'finished');
}

/** What becomes of a job whose work ended for a reason. The record is written first: lease.ts says why. */
async function endEarly(
  reason: unknown,
  { delivery, message, lease, publish, log }: ClaimedJob,
  { counted }: WorkContext,
  outbox: Outbox,
): Promise<void> {
  if (reason instanceof LeaseLost) {
    if (reason.cancelled) delivery.ack();
    else counted.add('leases_lost');
    log.warn(reason.message);
  } else if (reason === 'cancelled') {
    delivery.ack(); // its record says so already
  } else if (reason === 'rest') {
    await outbox.flushed();
    await lease.leave('resting');
    await publish({ type: 'rested', turn: message.turn });
    delivery.ack();
    counted.add('jobs_rested');
  } else if (reason === 'hand-over' || isOfTheEngine(reason)) {
    await outbox.flushed();
    await lease.handOver();
    delivery.nak(reason === 'hand-over' ? 0 : RETRY_MS);
    counted.add('jobs_handed_over');
    log.info('handed over');
  } else if (reason instanceof ProblemError) {
    outbox.push({ type: 'problem', problem: reason.problem });
    await outbox.flushed();
    await lease.leave('ended');
    delivery.ack();
    log.info({ code: reason.problem.code }, 'refused');
  } else {
    counted.add('tries_failed');
    log.error({ err: reason, tries: lease.tries }, 'failed, to be tried again');
    await lease.leave('working');
    delivery.nak(RETRY_MS);
  }
}

/** Problems that say something of this engine now, not of the job. */
function isOfTheEngine(reason: unknown): boolean {
  return reason instanceof ProblemError && ['backend_unavailable', 'overloaded'].includes(reason.problem.code);
}

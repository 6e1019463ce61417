/**
 * One delivered job at an engine: claimed, worked on, its events published, and in every case either acknowledged or given back.
 */
import { once } from 'node:events';
import { headers } from '@nats-io/transport-node';
import type { Logger } from 'pino';
import { ProblemError, problem } from '../../../shared/contract/problem.ts';
import type { Dispatch } from '../dispatch.ts';
import type { Link } from './connection.ts';
import type { Counted } from './counted.ts';
import type { Delivery } from './deliveries.ts';
import { claimJob, type Lease, LeaseLost } from './lease.ts';
import { encode, MalformedMessage, readWork, type StreamMessage, type WorkMessage } from './messages.ts';
import { createOutbox } from './outbox.ts';
import type { Topology } from './topology.ts';

/** Steps of a text from one checkpoint to the next: what is done twice when an engine dies. */
const CHECKPOINT_EVERY = 2;
/** Claims without progress after which a job is given up. */
export const MOST_TRIES = 5;
// With so many claims behind it a job may be what kills engines: it is worked on alone, so that it takes no other with it.
const SUSPECT_TRIES = 3;
// A failure may be the engine's own, so another should have the job next.
const RETRY_MS = 500;

/** Why work on a job ends before the job does. */
export type StopReason = 'lost' | 'cancelled' | 'rest' | 'hand-over';

export interface WorkContext {
  readonly link: Link;
  readonly topology: Topology;
  readonly dispatch: Dispatch;
  /** How long a delivery is ours after a sign of life. */
  readonly leaseMs: number;
  readonly counted: Counted;
  readonly log: Logger;
  /** Resolves when all that is under way now has ended. */
  readonly quiet: () => Promise<void>;
}

/** Work under way. */
export interface Work {
  readonly message: WorkMessage;
  /** It may be what kills engines: nothing else should be begun before it is settled. */
  readonly suspect: boolean;
  stop(reason: StopReason): void;
  /** Resolves when it has made progress or has ended. */
  readonly settled: Promise<void>;
  /** Resolves when it has ended, however; never rejects. */
  readonly ended: Promise<void>;
}

/**
 * Begins work on a delivery.
 * @returns undefined when there is nothing to do, the delivery being acknowledged or given back already
 */
export async function beginWork(delivery: Delivery, context: WorkContext): Promise<Work | undefined> {
  const { link, topology, dispatch, counted, log } = context;
  let message: WorkMessage;
  try {
    message = readWork(delivery.data);
  } catch (reason) {
    if (!(reason instanceof MalformedMessage)) throw reason;
    log.error({ err: reason }, 'a job cannot be read and is set aside');
    counted.add('malformed_messages');
    await setAside(context, delivery, 'malformed', reason.message);
    return undefined;
  }
  const own = dispatch.models().find(({ id }) => id === message.job.request.model);
  if (own === undefined) {
    delivery.nak(RETRY_MS); // another engine's: two installations with other models under one prefix
    return undefined;
  }
  const claimed = await claimJob(
    { bucket: topology.checkpoints, untilAnswered: link.untilAnswered },
    message,
    own.revision,
  );
  if (claimed === undefined) {
    delivery.ack();
    return undefined;
  }
  const lease = claimed;
  counted.add('jobs_claimed');
  if (lease.texts.length > 0) counted.add('jobs_resumed');
  const jobLog = log.child({ request: message.job.id });
  jobLog.debug({ tries: lease.tries, texts: lease.texts.map(({ index, step }) => ({ index, step })) }, 'claimed');
  if (lease.tries > MOST_TRIES) {
    await abandon(context, delivery, { message, lease, jobLog });
    return undefined;
  }
  if (lease.revision !== own.revision) {
    delivery.nak(4 * RETRY_MS); // begun with other weights: an engine that still has them goes on with it
    return undefined;
  }
  const keeping = setInterval(() => delivery.working(), context.leaseMs / 4);
  const progress = Promise.withResolvers<void>();
  const stop = new AbortController();
  const publish = createPublisher(link, topology, message, lease);
  const outbox = createOutbox({
    publish: (events) => publish({ type: 'events', events }),
    async save(texts) {
      await lease.advance(texts);
      progress.resolve();
    },
    onFailure: (reason) => stop.abort(reason),
  });
  const suspect = lease.tries >= SUSPECT_TRIES;
  const began = performance.now();
  const run = async () => {
    try {
      if (suspect) await Promise.race([context.quiet(), once(stop.signal, 'abort')]);
      stop.signal.throwIfAborted();
      const remaining = message.deadline - Date.now();
      if (remaining <= 0) throw problem('deadline_exceeded', 'The text was not begun in time.');
      const reader = { signal: stop.signal, wants: outbox.wants };
      const resumption = { from: lease.texts, checkpointEvery: CHECKPOINT_EVERY };
      const job = { ...message.job, deadline_ms: remaining };
      for await (const event of dispatch.generate(job, reader, resumption)) outbox.push(event);
      await outbox.flushed();
      await lease.leave('ended');
      delivery.ack();
      jobLog.info({ ms: Math.round(performance.now() - began), resumed: lease.texts.length > 0 }, 'finished');
    } catch (reason) {
      await endEarly(stop.signal.aborted ? stop.signal.reason : reason);
    }
  };

  async function endEarly(reason: unknown): Promise<void> {
    if (reason instanceof LeaseLost) {
      if (!reason.cancelled) counted.add('leases_lost');
      jobLog.warn(reason.message);
      if (reason.cancelled) delivery.ack(); // it is written down that nobody wants it
    } else if (reason === 'cancelled') {
      delivery.ack();
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
      jobLog.info('handed over');
    } else if (reason instanceof ProblemError) {
      outbox.push({ type: 'problem', problem: reason.problem });
      await outbox.flushed();
      await lease.leave('ended');
      delivery.ack();
      jobLog.info({ code: reason.problem.code }, 'refused');
    } else {
      counted.add('tries_failed');
      jobLog.error({ err: reason, tries: lease.tries }, 'failed, to be tried again');
      await lease.leave('working');
      delivery.nak(RETRY_MS);
    }
  }

  const ended = run()
    // What fails here too is the lease's loss, or a connection that is closed: the job comes to another engine by itself.
    .catch((reason: unknown) => {
      if (reason instanceof LeaseLost) counted.add('leases_lost');
      jobLog.warn({ err: reason }, 'left as it is');
    })
    .finally(() => {
      clearInterval(keeping);
      progress.resolve();
    });
  return {
    message,
    suspect,
    stop: (reason) => stop.abort(reason),
    settled: progress.promise,
    ended,
  };
}

/** Problems that say something of this engine now, not of the job. */
function isOfTheEngine(reason: unknown): boolean {
  return reason instanceof ProblemError && ['backend_unavailable', 'overloaded'].includes(reason.problem.code);
}

type Said = Pick<Extract<StreamMessage, { type: 'events' }>, 'type' | 'events'> | { type: 'rested'; turn: number };

/** Stores messages in the job's subject of events; each again until it is, under the same id. */
function createPublisher(
  { js, untilAnswered }: Link,
  { names }: Topology,
  { job, run, gateway }: WorkMessage,
  { id: lease }: Lease,
) {
  const subject = names.eventSubject(gateway, job.id);
  let part = 0;
  return async (said: Said): Promise<void> => {
    const msgID = `${lease}.${part}`;
    const message: StreamMessage = said.type === 'events' ? { ...said, run, lease, part } : { ...said, run };
    part++;
    const data = encode(message);
    await untilAnswered(() => js.publish(subject, data, { msgID }));
  };
}

interface Abandoned {
  readonly message: WorkMessage;
  readonly lease: Lease;
  readonly jobLog: Logger;
}

/** Gives a job up that was tried often enough, and tells its caller. */
async function abandon(context: WorkContext, delivery: Delivery, { message, lease, jobLog }: Abandoned): Promise<void> {
  const tries = lease.tries - 1;
  jobLog.error({ tries }, 'given up and set aside');
  const given = problem('work_abandoned', `The work was given up after ${tries} tries without progress.`);
  const publish = createPublisher(context.link, context.topology, message, lease);
  await publish({ type: 'events', events: [{ type: 'problem', problem: given.problem }] });
  await lease.leave('ended');
  await setAside(context, delivery, 'abandoned', `${tries} tries without progress`);
}

/** Copies a job to the stream of those that were given up, for people to look at, and takes it off the stream of jobs. */
async function setAside(
  { link, topology: { names }, counted }: WorkContext,
  delivery: Delivery,
  kind: 'malformed' | 'abandoned',
  reason: string,
): Promise<void> {
  const why = headers();
  why.set('Reason', reason);
  await link.untilAnswered(() => link.js.publish(names.setAsideSubject(kind), delivery.data, { headers: why }));
  delivery.term();
  counted.add('jobs_set_aside');
}

/**
 * A delivered job at an engine: whether there is anything to do, and the work on it as the engine's side sees it.
 */
import type { WorkContext } from './claimed-job.ts';
import type { Delivery } from './deliveries.ts';
import { claimJob } from './lease.ts';
import { MalformedMessage, readWork, type WorkMessage } from './messages.ts';
import { createPublisher } from './publisher.ts';
import { RETRY_MS, type RunningJob, runJob } from './run-job.ts';
import { abandon, setAside } from './set-aside.ts';

/** Claims without progress after which a job is given up. */
const MOST_TRIES = 5;
// With so many claims behind it a job may be what kills engines: it is worked on alone, so that it takes no other with it.
const SUSPECT_TRIES = 3;
// For an engine with the same weights to come by.
const OTHER_WEIGHTS_MS = 2_000;

/** Work under way. */
export interface Work extends RunningJob {
  readonly message: WorkMessage;
  /** It may be what kills engines: nothing else should be begun before it is settled. */
  readonly suspect: boolean;
}

/**
 * Begins work on a delivery.
 * @returns undefined when there is nothing to do, the delivery being acknowledged or given back already
 */
export async function beginWork(delivery: Delivery, context: WorkContext): Promise<Work | undefined> {
  const { link, topology, dispatch, counted } = context;
  const message = await readDelivery(delivery, context);
  if (message === undefined) return undefined;
  const own = dispatch.models().find(({ id }) => id === message.job.request.model);
  if (own === undefined) {
    delivery.nak(RETRY_MS); // another engine's: two installations with other models under one prefix
    return undefined;
  }
  const records = { bucket: topology.checkpoints, untilAnswered: link.untilAnswered };
  const lease = await claimJob(records, message, own.revision);
  if (lease === 'resting') {
    // Who freed it may have died before he said so.
    await createPublisher(link, topology, message, `rest-${message.turn}`)({ type: 'rested', turn: message.turn });
  }
  if (typeof lease === 'string') {
    delivery.ack();
    return undefined;
  }
  counted.add('jobs_claimed');
  if (lease.texts.length > 0) counted.add('jobs_resumed');
  const log = context.log.child({ request: message.job.id });
  log.debug({ tries: lease.tries, texts: lease.texts.map(({ index, step }) => ({ index, step })) }, 'claimed');
  const publish = createPublisher(link, topology, message, lease.id);
  const claimed = { delivery, message, lease, publish, log };
  if (lease.tries > MOST_TRIES) {
    await abandon(claimed, context);
    return undefined;
  }
  if (lease.revision !== own.revision) {
    delivery.nak(OTHER_WEIGHTS_MS); // an engine that still has them goes on with it
    return undefined;
  }
  const suspect = lease.tries >= SUSPECT_TRIES;
  return { message, suspect, ...runJob(claimed, context, suspect ? context.quiet() : Promise.resolve()) };
}

async function readDelivery(delivery: Delivery, context: WorkContext): Promise<WorkMessage | undefined> {
  try {
    return readWork(delivery.data);
  } catch (reason) {
    if (!(reason instanceof MalformedMessage)) throw reason;
    context.log.error({ err: reason }, 'a job cannot be read and is set aside');
    context.counted.add('malformed_messages');
    await setAside(delivery, context, 'malformed', reason.message);
    delivery.term();
    return undefined;
  }
}

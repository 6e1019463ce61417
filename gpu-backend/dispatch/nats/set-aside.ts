/**
 * Jobs that are given up: kept in a stream of their own for people to look at, and their callers told.
 */
import { headers } from '@nats-io/transport-node';
import { problem } from '../../../shared/contract/problem.ts';
import type { ClaimedJob, WorkContext } from './claimed-job.ts';
import type { Delivery } from './deliveries.ts';

/** Gives a job up that was tried often enough. */
export async function abandon(
  { delivery, message, lease, publish, log }: ClaimedJob,
  context: WorkContext,
): Promise<void> {
  const tries = lease.tries - 1;
  log.error({ tries, model: message.job.request.model }, 'given up and set aside');
  const given = problem('work_abandoned', `The work was given up after ${tries} tries without progress.`);
  await publish({ type: 'events', events: [{ type: 'problem', problem: given.problem }] });
  await setAside(delivery, context, 'abandoned', `${tries} tries without progress`);
  await lease.leave('ended');
  delivery.term();
}

/** Copies a job as it came. */
export async function setAside(
  { data }: Delivery,
  { link, topology: { names }, counted }: WorkContext,
  kind: 'malformed' | 'abandoned',
  reason: string,
): Promise<void> {
  const why = headers();
  why.set('Reason', reason);
  await link.untilAnswered(() => link.js.publish(names.setAsideSubject(kind), data, { headers: why }));
  counted.add('jobs_set_aside');
}

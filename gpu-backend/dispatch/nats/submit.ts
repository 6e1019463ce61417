/**
 * A gateway's words to the engines: a job put on the stream, put there again, freed, cancelled.
 */
import type { Logger } from 'pino';
import type { Link } from './connection.ts';
import type { Orders } from './follow.ts';
import { wasCancelled } from './lease.ts';
import {
  encode,
  type JobRecord,
  type Order,
  readStreamMessage,
  type Submission,
  type WorkMessage,
} from './messages.ts';
import type { Topology } from './topology.ts';

// A tombstone that cannot be written for this long is of no use any more: the job has ended or its deadline is near.
const CANCEL_MS = 60_000;

export interface Submitter extends Orders {
  /**
   * Announces the job and puts it on the stream.
   * @returns the submission that was there before under the same id, where there is one: nothing is put on the stream then
   */
  submit(signal: AbortSignal): Promise<Submission | undefined>;
}

export function createSubmitter(link: Link, { names, checkpoints }: Topology, own: Submission, log: Logger): Submitter {
  const { js, jsm, say, untilAnswered } = link;
  const { job, run, gateway, deadline } = own;
  const jobSubject = names.jobSubject(job.request.model, job.priority ?? 'normal');
  /** Where the job lies in the stream of jobs. */
  let sequence: number | undefined;

  async function put(turn: number, signal?: AbortSignal): Promise<void> {
    const work: WorkMessage = { job, run, gateway, deadline, turn };
    const msgID = `${run}.${turn}`;
    ({ seq: sequence } = await untilAnswered(() => js.publish(jobSubject, encode(work), { msgID }), signal));
    say(names.wake);
  }

  /** The first message of the job's subject. @returns the submission that took the message's id before */
  async function announce(msgID: string, signal: AbortSignal): Promise<Submission | undefined> {
    const subject = names.eventSubject(gateway, job.id);
    const data = encode({ ...own, type: 'submission' });
    const { duplicate, seq } = await untilAnswered(() => js.publish(subject, data, { msgID }), signal);
    if (!duplicate) return undefined;
    const stored = await untilAnswered(() => jsm.streams.getMessage(names.events, { seq }), signal);
    const before = stored && readStreamMessage(stored.data);
    // Our own, where the answer to the first try was lost.
    return before?.type === 'submission' && before.run !== run ? before : undefined;
  }

  const order = (what: Order['order']) => say(names.order, encode({ order: what, id: job.id, run }));

  async function bury(): Promise<void> {
    const tombstone: JobRecord = { run, state: 'cancelled', lease: gateway, write: 0, turn: 0, tries: 0, texts: [] };
    const signal = AbortSignal.timeout(CANCEL_MS);
    await untilAnswered(() => checkpoints.put(job.id, encode(tombstone)), signal);
    order('cancel'); // behind the tombstone: whoever misses the one meets the other
    const lies = sequence;
    // So that it counts as waiting no more; an engine that has it by now is told.
    if (lies !== undefined) await jsm.streams.deleteMessage(names.jobs, lies).catch(() => {});
  }

  return {
    async submit(signal) {
      const before = await announce(`job.${job.id}`, signal);
      if (before !== undefined) {
        if (!(await wasCancelled({ bucket: checkpoints, untilAnswered }, job.id, before.run))) return before;
        await announce(run, signal); // what was cancelled is begun anew
      }
      await put(0, signal);
      return undefined;
    },
    rest: () => order('rest'),
    goOn: (turn) => void put(turn).catch((reason) => log.error({ err: reason }, 'a job could not be put back')),
    cancel: () => void bury().catch((reason) => log.warn({ err: reason }, 'a job could not be cancelled')),
  };
}

/**
 * The gateway's side: a dispatch whose engines are anywhere, joined by NATS.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { nuid } from '@nats-io/transport-node';
import type { Logger } from 'pino';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import { problem, streamGone } from '../../../shared/contract/problem.ts';
import type { GenerationEvent } from '../../../shared/contract/stream.ts';
import type { Config } from '../../config.ts';
import type { Reader } from '../../engine/reader.ts';
import { unknownModel } from '../../engine/unknown-model.ts';
import { type Channel, createChannel } from '../channel.ts';
import { type Dispatch, unavailable } from '../dispatch.ts';
import { createUnderWay } from '../under-way.ts';
import { watchBacklog } from './backlog.ts';
import type { Link } from './connection.ts';
import type { Counted } from './counted.ts';
import { readEvents } from './event-reader.ts';
import { watchFleet } from './fleet.ts';
import { follow, type Orders } from './follow.ts';
import { wasCancelled } from './lease.ts';
import { encode, MalformedMessage, readTaken, type StreamMessage, type Submission } from './messages.ts';
import { storedWork } from './stored-work.ts';
import { createSubmitter } from './submit.ts';
import { ensureTopology } from './topology.ts';

// A server that restarts is back sooner; until then work is taken and waits.
const DOWN_MS = 5_000;
// How long a stream that is taken up may be silent before it is thought to be gone, where nothing of it is stored.
const FIRST_MESSAGE_MS = 3_000;

export interface GatewaySideOptions {
  readonly link: Link;
  readonly config: Pick<Config, 'nats' | 'waitingS' | 'deadlineS'>;
  readonly counted: Counted;
  readonly log: Logger;
}

export interface GatewayDispatch extends Dispatch {
  attach(id: string, owner: string | undefined, reader: Reader): AsyncGenerator<GenerationEvent, void>;
  close(): void;
}

/** A job whose events this gateway reads. */
interface Followed {
  readonly submission: Submission;
  readonly messages: Channel<StreamMessage>;
  readonly reader: Reader;
  taken: boolean;
}

/** Begins to take jobs; resolves when the servers have answered. */
export async function openGatewaySide(options: GatewaySideOptions): Promise<GatewayDispatch> {
  const { link, config, counted, log } = options;
  const { nc } = link;
  const gateway = nuid.next();
  const topology = await ensureTopology(link, config.nats);
  const { names } = topology;
  const records = { bucket: topology.checkpoints, untilAnswered: link.untilAnswered };
  const fleet = watchFleet(link, names, counted, log);
  const backlog = watchBacklog(link, names, fleet, config.waitingS);
  counted.read('engines', () => fleet.size);
  counted.read('jobs_waiting', () => backlog.waiting);
  const followed = new Map<string, Followed>();
  let draining = false;
  /** The grace period is over: jobs are left to whoever takes them up. */
  let leaving = false;

  const own = await readEvents({
    ...{ link, names, counted, log, filter: names.eventSubject(gateway, '*') },
    onMessage: (job, message) => followed.get(job)?.messages.push(message),
  });
  const takings = nc.subscribe(names.taken(gateway), {
    callback(error, msg) {
      if (error !== null) return;
      try {
        const { id, run } = readTaken(msg.data);
        const job = followed.get(id);
        if (job === undefined || job.submission.run !== run) return;
        job.taken = true;
        job.reader.taken?.();
        job.messages.fail(problem('stream_gone', 'The stream was taken up at another gateway.'));
      } catch (reason) {
        if (!(reason instanceof MalformedMessage)) throw reason;
        counted.add('malformed_messages');
      }
    },
  });

  const unready = () => {
    if (draining) return 'draining';
    if (link.downMs() > DOWN_MS) return 'not connected to NATS';
    return fleet.models().length === 0 ? 'waiting for an engine' : undefined;
  };

  function refuseWhileUnready(): void {
    const reason = unready();
    if (reason !== undefined) throw unavailable(reason);
  }

  /** The events of a job that this gateway has submitted or taken up. */
  function serve(job: Followed, orders: Orders): AsyncGenerator<GenerationEvent, void> {
    const { submission, messages, reader } = job;
    const jobLog = log.child({ request: submission.job.id });
    const isTaken = () => job.taken || leaving;
    return follow({ submission, messages, reader, orders, isTaken, counted, log: jobLog });
  }

  async function* attach(id: string, owner: string | undefined, reader: Reader): AsyncGenerator<GenerationEvent, void> {
    reader.signal.throwIfAborted();
    if (draining) throw unavailable('draining');
    const messages = createChannel<StreamMessage>();
    const announced = createChannel<Submission>();
    const events = await readEvents({
      ...{ link, names, counted, log, filter: names.eventSubject('*', id) },
      onMessage(_, message) {
        if (message.type === 'submission') announced.push(message);
        messages.push(message);
      },
    });
    const timer = setTimeout(announced.end, events.stored === 0 ? 0 : FIRST_MESSAGE_MS);
    try {
      let submission: Submission | undefined;
      for await (const candidate of announced.values()) {
        if (await wasCancelled(records, id, candidate.run)) continue;
        submission = candidate;
        break;
      }
      if (submission === undefined || submission.job.owner !== owner) throw streamGone();
      link.say(names.taken(submission.gateway), encode({ id, run: submission.run }));
      counted.add('jobs_taken_up');
      log.info({ request: id, from: submission.gateway }, 'taken up');
      yield* serve({ submission, messages, reader, taken: false }, createSubmitter(link, topology, submission, log));
    } finally {
      clearTimeout(timer);
      events.close();
    }
  }

  async function* generate(job: GenerationJob, reader: Reader): AsyncGenerator<GenerationEvent, void> {
    reader.signal.throwIfAborted();
    refuseWhileUnready();
    const refusal = unknownModel(job.request.model, fleet.models());
    if (refusal !== undefined) throw refusal;
    try {
      backlog.admit(job.request.model);
    } catch (refused) {
      counted.add('jobs_refused');
      throw refused;
    }
    const deadline = Date.now() + (job.deadline_ms ?? config.deadlineS * 1000);
    const submission: Submission = { job, run: nuid.next(), gateway, deadline };
    const jobLog = log.child({ request: job.id });
    const submitter = createSubmitter(link, topology, submission, jobLog);
    const entry: Followed = { submission, messages: createChannel(), reader, taken: false };
    // The same job twice at one gateway: the later reader has it.
    if (followed.has(job.id)) return yield* attach(job.id, job.owner, reader);
    followed.set(job.id, entry);
    try {
      const late = AbortSignal.timeout(deadline - Date.now());
      const before = await submitter.submit(AbortSignal.any([reader.signal, late])).catch((reason) => {
        submitter.cancel(); // it may be on the stream, its acknowledgement lost
        throw late.aborted ? problem('deadline_exceeded', 'NATS did not take the job in time.') : reason;
      });
      if (before !== undefined) return yield* attach(job.id, job.owner, reader);
      counted.add('jobs_submitted');
      jobLog.debug('submitted');
      yield* serve(entry, submitter);
    } finally {
      if (followed.get(job.id) === entry) followed.delete(job.id);
    }
  }

  const jobs = createUnderWay();

  return {
    unready,
    models() {
      const models = fleet.models();
      if (models.length === 0) throw unavailable('waiting for an engine');
      return models;
    },
    generate: (job, reader) => jobs.counting(generate(job, reader)),
    attach: (id, owner, reader) => jobs.counting(attach(id, owner, reader)),
    work: (id, owner) => storedWork({ link, names, records, counted, log }, id, owner),
    async drain(graceMs) {
      draining = true;
      const over = new AbortController();
      // What has not ended goes on without us: its readers find it at another gateway.
      await Promise.race([jobs.ended(), sleep(graceMs, undefined, { signal: over.signal }).catch(() => {})]);
      over.abort();
      leaving = true;
    },
    close() {
      fleet.close();
      backlog.close();
      own.close();
      takings.unsubscribe();
    },
  };
}

/**
 * What a job did, read from the events that are stored of it: any gateway can say it, and reading changes nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobWork } from '../../../shared/contract/job-work.ts';
import { ProblemError } from '../../../shared/contract/problem.ts';
import { unavailable } from '../dispatch.ts';
import { createJobAccounts, type JobAccount, type JobOutcome, outcomeOf } from '../job-accounts.ts';
import { type EventReaderOptions, readEvents } from './event-reader.ts';
import { type Records, wasCancelled } from './lease.ts';
import type { StreamMessage, Submission } from './messages.ts';
import { createSequence } from './sequence.ts';

// All that is stored of a job is a hundred kilobytes or two; a server that takes longer for it is as good as down.
const READ_MS = 3_000;
// A job that nobody works on is over a while after its deadline, though nothing says so in its events.
const OVERDUE_MS = 2_000;

export interface StoredWorkOptions extends Omit<EventReaderOptions, 'filter' | 'onMessage'> {
  readonly records: Records;
}

/**
 * Undefined where nothing is stored of such a job of this owner.
 * @throws ProblemError backend_unavailable where the servers do not answer
 */
export async function storedWork(options: StoredWorkOptions, id: string, owner: string): Promise<JobWork | undefined> {
  const given = new AbortController();
  const late = sleep(READ_MS, undefined, { signal: given.signal }).then(() => {
    throw unavailable('not connected to NATS');
  });
  late.catch(() => {}); // where it was in time
  try {
    return await Promise.race([read(options, id, owner), late]);
  } finally {
    given.abort();
  }
}

async function read({ records, ...options }: StoredWorkOptions, id: string, owner: string) {
  const messages = await storedMessages(options, id);
  const runs = messages.filter((message) => message.type === 'submission' && message.job.owner === owner);
  const accounts = createJobAccounts({ accountMs: READ_MS, accounts: 1 });
  for (const run of runs as Submission[]) {
    const account = accounts.open(id, owner);
    const outcome = enter(account, run, messages) ?? (await silentEnd(records, id, run));
    if (outcome !== undefined) account.end(outcome);
    else if (run !== runs.at(-1)) account.end('left'); // a job is begun anew only when it was cancelled
  }
  return accounts.find(id, owner);
}

/** Enters the events of a run, each once. @returns how it ended, where its events say so */
function enter(account: JobAccount, { run, job }: Submission, messages: readonly StreamMessage[]) {
  const sequence = createSequence(job.request.n ?? 1);
  for (const message of messages) {
    if (message.run !== run || message.type !== 'events') continue;
    for (const event of message.events) {
      if (event.type === 'problem') return outcomeOf(new ProblemError(event.problem));
      if (sequence.takes(event)) account.record(event);
      if (sequence.complete) return 'done';
    }
  }
  return undefined;
}

/** How a run ended whose events do not say it; undefined where it goes on. */
async function silentEnd(records: Records, id: string, { run, deadline }: Submission): Promise<JobOutcome | undefined> {
  if (await wasCancelled(records, id, run)) return 'left';
  return Date.now() > deadline + OVERDUE_MS ? 'problem' : undefined;
}

/** What is stored in a job's subject, in order. */
async function storedMessages(options: Omit<StoredWorkOptions, 'records'>, id: string): Promise<StreamMessage[]> {
  const { promise: complete, resolve } = Promise.withResolvers<void>();
  const messages: StreamMessage[] = [];
  let most = Number.POSITIVE_INFINITY;
  const reader = await readEvents({
    ...options,
    filter: options.names.eventSubject('*', id),
    onMessage(_, message) {
      if (messages.push(message) >= most) resolve();
    },
  });
  try {
    most = reader.stored;
    if (messages.length < most) await complete;
    return messages;
  } finally {
    reader.close();
  }
}

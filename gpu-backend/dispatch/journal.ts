/**
 * The jobs of this process and what they have said, for readers that come, fall behind, leave and come back.
 *
 * A job belongs to its readers: it rests while none is there or all are behind, and ends when none has come back in time. What a job
 * has said is kept for a while after its end, for a reader who lost the last of it.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../shared/contract/canonical.ts';
import type { GenerationJob } from '../../shared/contract/generation.ts';
import type { JobWork } from '../../shared/contract/job-work.ts';
import { type Problem, problem, streamGone } from '../../shared/contract/problem.ts';
import type { GenerationEvent } from '../../shared/contract/stream.ts';
import { publicEvents } from '../engine/public-events.ts';
import type { Reader } from '../engine/reader.ts';
import type { Dispatch } from './dispatch.ts';
import { type AccountLimits, createJobAccounts, type JobAccount, type JobOutcome, outcomeOf } from './job-accounts.ts';
import { createJobRecord, type JobRecord, type RecordLimits } from './job-record.ts';

export interface JournalLimits extends RecordLimits, AccountLimits {
  /** Milliseconds, and bytes in all, for which the events of jobs that have ended are kept; the oldest job goes first. */
  readonly keptMs: number;
  readonly keptBytes: number;
  /** Most jobs that wait for their reader to come back; the one that waits longest ends first. */
  readonly away: number;
  /** How long a job that another process began waits for a reader of this one to come back, milliseconds. */
  readonly attachedResumeMs: number;
  /** How long one who ends a job waits for its end, milliseconds. */
  readonly endMs: number;
}

// An ordinary job says 10 to 30 KB. So a reader holds up to 64 KB more than he has taken, a job 4 MB, all that have ended 32 MB.
// An account takes 470 bytes (measured): the most come to 47 MB, which 111 jobs a second fill.
const LIMITS: JournalLimits = {
  behindBytes: 65_536,
  jobBytes: 4_194_304,
  keptMs: 60_000,
  keptBytes: 33_554_432,
  away: 64,
  attachedResumeMs: 15_000,
  endMs: 2_000,
  accountMs: 900_000,
  accounts: 100_000,
};

export interface JournalOptions {
  readonly dispatch: Pick<Dispatch, 'generate' | 'attach' | 'work'>;
  /** What to say, as a job's last event, of something it threw behind its first. */
  readonly problemOf: (thrown: unknown, id: string) => Problem;
  readonly limits?: Partial<JournalLimits>;
}

export interface Journal {
  /**
   * Starts a job and gives the lines of its events; a job known already is joined, from its first event on, and not started again.
   * Breaking off the iteration or aborting the signal is the reader's going away.
   * @throws ProblemError duplicate_id where another job is known under this id; what the job throws before its first event; the
   * signal's reason
   */
  submit(job: GenerationJob, signal: AbortSignal): AsyncGenerator<Uint8Array, void>;
  /**
   * The lines of the events numbered above `after` of a job that is known here, or to the dispatch.
   * @throws ProblemError stream_gone where there is no such job of this owner
   */
  attach(id: string, owner: string, after: number, signal: AbortSignal): AsyncGenerator<Uint8Array, void>;
  /** What a job did, while it runs and for a while after its end; undefined where there is no such job of this owner. */
  work(id: string, owner: string): Promise<JobWork | undefined>;
  /**
   * The reader has left for good: the job ends before its next step, unless somebody else reads it, and is not begun again. Waits for
   * its end, though not for long.
   * @param unread nobody has had anything of the job: whatever it did does not count
   * @returns what it did; undefined where there is no such job of this owner, and should it come it is refused
   */
  end(id: string, owner: string, unread: boolean): Promise<JobWork | undefined>;
  /** Accounts of jobs known. */
  readonly accounts: number;
  /** Jobs known: those that run and those that have ended and are kept. */
  readonly jobs: number;
  /** Bytes of the events of jobs that have ended. */
  readonly keptBytes: number;
}

interface Entry {
  readonly id: string;
  readonly owner?: string;
  /** Of the request and its owner; jobs that another process began have none. */
  readonly digest?: string;
  readonly record: JobRecord;
  readonly stop: AbortController;
  /** From the beginning of its work to its end. */
  account?: JobAccount;
  /** Resolves when nothing more is recorded. */
  recorded: Promise<void>;
  resumeMs: number;
  /** How many wait for its end: once nobody reads it any more, it has come. */
  ending: number;
  /** Ends the wait for a reader, or the keeping. */
  timer?: NodeJS.Timeout;
}

export function createJournal({ dispatch, problemOf, limits: given }: JournalOptions): Journal {
  const limits = { ...LIMITS, ...given };
  const entries = new Map<string, Entry>();
  const accounts = createJobAccounts(limits);
  /** In the order they came to be so. */
  const away = new Set<Entry>();
  const kept = new Set<Entry>();
  let keptBytes = 0;

  function entryOf(named: Pick<Entry, 'id' | 'owner' | 'digest' | 'resumeMs'>): Entry {
    const entry: Entry = {
      ...named,
      record: createJobRecord(limits, () => readersChanged(entry)),
      stop: new AbortController(),
      recorded: Promise.resolve(),
      ending: 0,
    };
    return entry;
  }

  function readersChanged(entry: Entry): void {
    const { record, resumeMs } = entry;
    if (record.ended || entry.stop.signal.aborted) return;
    const absent = record.readers === 0;
    if (absent === away.has(entry)) return;
    if (!absent) {
      clearTimeout(entry.timer);
      away.delete(entry);
    } else if (resumeMs === 0 || record.length === 0 || entry.ending > 0)
      giveUp(entry); // who has seen nothing has nothing to take up
    else {
      away.add(entry);
      entry.timer = setTimeout(() => giveUp(entry), resumeMs).unref();
      for (const longest of away) {
        if (away.size <= limits.away) break;
        giveUp(longest);
      }
    }
  }

  function giveUp(entry: Entry): void {
    forget(entry);
    closeAccount(entry, 'left');
    entry.stop.abort(new Error('the reader went away'));
  }

  /** Nothing is recorded from here on. */
  function closeAccount(entry: Entry, outcome: JobOutcome): void {
    entry.account?.end(outcome);
    entry.account = undefined;
  }

  /** Lets a job end as soon as nobody reads it, and waits for that. */
  async function ended(entry: Entry, ms: number): Promise<void> {
    entry.ending++;
    if (entry.record.readers === 0) giveUp(entry);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([entry.recorded, late]);
    clearTimeout(timer);
    entry.ending--;
  }

  function forget(entry: Entry): void {
    clearTimeout(entry.timer);
    away.delete(entry);
    if (kept.delete(entry)) keptBytes -= entry.record.bytes;
    if (entries.get(entry.id) === entry) entries.delete(entry.id);
  }

  function keep(entry: Entry): void {
    clearTimeout(entry.timer);
    away.delete(entry);
    if (entries.get(entry.id) !== entry) return;
    kept.add(entry);
    keptBytes += entry.record.bytes;
    entry.timer = setTimeout(() => forget(entry), limits.keptMs).unref();
    for (const oldest of kept) {
      if (keptBytes <= limits.keptBytes) break;
      forget(oldest);
    }
  }

  /** Takes a job's events for as long as a reader wants them. */
  async function record(entry: Entry, events: AsyncGenerator<GenerationEvent, void>): Promise<void> {
    const { signal } = entry.stop;
    try {
      for await (const event of events) {
        signal.throwIfAborted();
        entry.record.append(event);
        entry.account?.record(event);
        await entry.record.wants.opened(signal);
      }
      closeAccount(entry, 'done');
    } catch (thrown) {
      closeAccount(entry, outcomeOf(thrown));
      if (signal.aborted || entry.record.length === 0) {
        entry.record.fail(thrown);
        forget(entry);
        return;
      }
      entry.record.append({ type: 'problem', problem: problemOf(thrown, entry.id) });
    }
    entry.record.end();
    keep(entry);
  }

  /** Of a job that another process began: known from its first event on, which shows that there is such a job. */
  async function* attached(entry: Entry, events: AsyncGenerator<GenerationEvent, void>) {
    for await (const event of events) {
      if (entry.resumeMs === 0 && !entries.has(entry.id)) {
        entries.set(entry.id, entry);
        entry.resumeMs = limits.attachedResumeMs;
        entry.account = accounts.open(entry.id, entry.owner);
      }
      yield event;
    }
  }

  function readerOf(entry: Entry): Reader {
    const taken = () => {
      entry.account?.drop();
      entry.account = undefined;
    };
    return { signal: entry.stop.signal, wants: entry.record.wants, taken };
  }

  return {
    work: async (id, owner) => accounts.find(id, owner) ?? dispatch.work?.(id, owner),
    get accounts() {
      return accounts.size;
    },
    get jobs() {
      return entries.size;
    },
    get keptBytes() {
      return keptBytes;
    },
    async *submit(job, signal) {
      const digest = digestOf(job);
      let entry = entries.get(job.id);
      if (entry === undefined) {
        if (accounts.isBarred(job.id)) throw streamGone();
        entry = entryOf({ id: job.id, owner: job.owner, digest, resumeMs: job.resume_ms ?? 0 });
        entries.set(job.id, entry);
        entry.account = accounts.open(job.id, job.owner);
        entry.recorded = record(entry, publicEvents(dispatch.generate(job, readerOf(entry))));
      } else if (entry.digest !== digest) {
        throw problem('duplicate_id', `Another job is known under the id ${job.id}.`, { pointer: '/id' });
      }
      yield* entry.record.follow(-1, signal);
    },
    async *attach(id, owner, after, signal) {
      let entry = entries.get(id);
      if (entry === undefined && dispatch.attach !== undefined) {
        entry = entryOf({ id, owner, resumeMs: 0 });
        entry.recorded = record(entry, attached(entry, dispatch.attach(id, owner, readerOf(entry))));
      }
      if (entry?.owner !== owner) throw streamGone();
      yield* entry.record.follow(after, signal);
    },
    async end(id, owner, unread) {
      const entry = entries.get(id);
      if (entry?.owner === owner && !entry.record.ended) await ended(entry, limits.endMs);
      const own = accounts.find(id, owner);
      // What another process began is not ours to end: somebody may read it there.
      const elsewhere = own ?? (await dispatch.work?.(id, owner));
      if (own === undefined && elsewhere !== undefined) return elsewhere;
      if (own?.state === 'running' && entries.has(id)) return own;
      accounts.bar(id, owner, unread);
      return own && accounts.find(id, owner);
    },
  };
}

function digestOf({ request, owner = '' }: GenerationJob): string {
  return createHash('sha256').update(canonicalJson({ request, owner })).digest('base64');
}

/**
 * What each job did, for whoever is to be paid for it: the positions and the recorded steps of its texts. Kept for a while after the
 * job's end, whatever becomes of its events.
 *
 * A step counts when its event has been recorded, and not before: what the engine does between the last event and a job's being broken
 * off is nobody's.
 */
import type { JobWork } from '../../shared/contract/job-work.ts';
import type { Work } from '../../shared/contract/price.ts';
import { ProblemError } from '../../shared/contract/problem.ts';
import type { GenerationEvent } from '../../shared/contract/stream.ts';

/** How a job has ended. */
export type JobOutcome = NonNullable<JobWork['outcome']>;

/** How a job ended that threw. An engine that gives up a job for want of a reader says so by stream_gone. */
export function outcomeOf(thrown: unknown): JobOutcome {
  return thrown instanceof ProblemError && thrown.problem.code === 'stream_gone' ? 'left' : 'problem';
}

/** The account of one run of a job, while it is written. */
export interface JobAccount {
  record(event: GenerationEvent): void;
  end(outcome: JobOutcome): void;
  /** The job goes on elsewhere, and so does its account. */
  drop(): void;
}

export interface JobAccounts {
  /** An account for a run that begins. What an earlier run of the same job did stays in it. */
  open(id: string, owner: string | undefined): JobAccount;
  /** Undefined where there is no such job of this owner. */
  find(id: string, owner: string): JobWork | undefined;
  /** The job, should it come again or come late, is not to be begun. @param unread nobody has had anything of it: it counts as nothing */
  bar(id: string, owner: string, unread: boolean): void;
  isBarred(id: string): boolean;
  readonly size: number;
}

export interface AccountLimits {
  /** Milliseconds for which the accounts of jobs that have ended are kept, and how many; the oldest go first. */
  readonly accountMs: number;
  readonly accounts: number;
}

type Counting = { -readonly [Key in keyof Work]: Work[Key] };

interface Entry {
  readonly owner: string | undefined;
  texts: Counting[];
  /** Runs that have not ended. */
  running: number;
  outcome: JobOutcome;
  barred: boolean;
  /** When it may be forgotten, milliseconds of `performance.now()`. */
  until: number;
}

export function createJobAccounts({ accountMs, accounts: most }: AccountLimits): JobAccounts {
  /** Those of jobs that run, and those of jobs that have ended, in the order they did. */
  const running = new Map<string, Entry>();
  const ended = new Map<string, Entry>();

  function sweep(): void {
    const now = performance.now();
    for (const [id, { until }] of ended) {
      if (until > now && ended.size <= most) break;
      ended.delete(id);
    }
  }

  function entryOf(id: string, owner: string | undefined): Entry {
    const entry = running.get(id) ?? ended.get(id);
    if (entry !== undefined && entry.owner === owner) return entry;
    return { owner, texts: [], running: 0, outcome: 'left', barred: false, until: 0 };
  }

  function keep(id: string, entry: Entry): void {
    entry.until = performance.now() + accountMs;
    entry.texts = entry.texts.slice(); // an array that was pushed to has room for sixteen more
    running.delete(id);
    ended.delete(id); // so that it becomes the newest
    ended.set(id, entry);
    sweep();
  }

  return {
    get size() {
      sweep();
      return running.size + ended.size;
    },
    open(id, owner) {
      const entry = entryOf(id, owner);
      entry.running++;
      ended.delete(id);
      running.set(id, entry);
      const texts = new Map<number, Counting>();
      const close = (become: () => void) => {
        entry.running--;
        if (entry.running === 0 && running.get(id) === entry) become();
      };
      return {
        record(event) {
          if (event.type === 'accepted') {
            const text = { positions: event.positions, denoising_steps: 0 };
            texts.set(event.index, text);
            entry.texts.push(text);
          } else if (event.type === 'step') {
            const text = texts.get(event.index);
            if (text !== undefined) text.denoising_steps++;
          }
        },
        end(outcome) {
          entry.outcome = outcome;
          close(() => keep(id, entry));
        },
        drop: () => close(() => running.delete(id)),
      };
    },
    find(id, owner) {
      sweep();
      const entry = running.get(id) ?? ended.get(id);
      if (entry === undefined || entry.owner !== owner) return undefined;
      const texts = entry.texts.map((text) => ({ ...text }));
      return entry.running > 0
        ? { id, state: 'running', texts }
        : { id, state: 'ended', outcome: entry.outcome, texts };
    },
    bar(id, owner, unread) {
      const known = running.get(id) ?? ended.get(id);
      if (known !== undefined && known.owner !== owner) return;
      const entry = entryOf(id, owner);
      entry.barred = true;
      if (unread) entry.texts = [];
      if (entry.running === 0) keep(id, entry);
    },
    isBarred: (id) => (running.get(id) ?? ended.get(id))?.barred ?? false,
  };
}

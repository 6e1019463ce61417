/**
 * Who works on a job: the record under its id, written by compare-and-set, so that an engine that was thought dead and comes back
 * finds at its next write that the job is another's, and stops without a trace.
 *
 * NATS itself does not fence: an acknowledgement of a delivery that has since gone to another engine is taken all the same. So whoever
 * acknowledges writes the record first.
 */
import type { KV } from '@nats-io/kv';
import { nuid } from '@nats-io/transport-node';
import type { TextCheckpoint } from '../../denoise/checkpoint.ts';
import { encode, type JobRecord, MalformedMessage, readRecord, type WorkMessage } from './messages.ts';
import { hasChanged, type UntilAnswered } from './until-answered.ts';

/** The job is another engine's, or nobody wants it any more. */
export class LeaseLost extends Error {
  readonly cancelled: boolean;
  constructor(cancelled: boolean) {
    super(cancelled ? 'the job was cancelled' : 'another engine has taken the job over');
    this.cancelled = cancelled;
  }
}

export interface Lease {
  readonly id: string;
  /** Claims since the last progress, this one included. */
  readonly tries: number;
  /** The model revision the job was begun with. */
  readonly revision: string;
  /** Where its texts stand. */
  readonly texts: readonly TextCheckpoint[];
  /** Writes checkpoints down: progress. @throws LeaseLost */
  advance(texts: readonly TextCheckpoint[]): Promise<void>;
  /** The last write before the job is acknowledged or given back. @throws LeaseLost */
  leave(state: 'working' | 'resting' | 'ended'): Promise<void>;
  /** Gives the job back without counting this claim as a try. @throws LeaseLost */
  handOver(): Promise<void>;
}

/** The bucket of records, and how it is asked. */
export interface Records {
  readonly bucket: KV;
  readonly untilAnswered: UntilAnswered;
}

interface Entry {
  readonly record?: JobRecord;
  readonly revision: number;
}

async function read({ bucket, untilAnswered }: Records, id: string): Promise<Entry> {
  const entry = await untilAnswered(() => bucket.get(id));
  if (entry === null) return { revision: 0 };
  try {
    return { record: readRecord(entry.value), revision: entry.revision };
  } catch (reason) {
    if (!(reason instanceof MalformedMessage)) throw reason;
    return { revision: entry.revision }; // what cannot be read is of no use to anybody: it is written over
  }
}

/** Whether a run of a job was cancelled. */
export async function wasCancelled(records: Records, id: string, run: string): Promise<boolean> {
  const { record } = await read(records, id);
  return record?.run === run && record.state === 'cancelled';
}

/** Why a delivery of a job is not to be worked on; undefined when it is. */
function reasonToLeave(record: JobRecord, { turn }: WorkMessage): 'over' | 'resting' | undefined {
  if (record.state === 'ended' || record.state === 'cancelled' || record.turn > turn) return 'over';
  return record.state === 'resting' && record.turn === turn ? 'resting' : undefined;
}

/**
 * Claims a job that was delivered, whoever had it before.
 * @returns 'over' when there is nothing to do any more, 'resting' when there is not until its reader wants more
 */
export async function claimJob(
  records: Records,
  work: WorkMessage,
  ownRevision: string,
): Promise<Lease | 'over' | 'resting'> {
  const key = work.job.id;
  const id = nuid.next();
  for (;;) {
    const { record, revision } = await read(records, key);
    const before = record?.run === work.run ? record : undefined;
    const leave = before && reasonToLeave(before, work);
    if (leave !== undefined) return leave;
    const own: JobRecord = {
      ...{ run: work.run, state: 'working', lease: id, write: 0, turn: work.turn },
      tries: (before?.tries ?? 0) + 1,
      revision: before?.revision ?? ownRevision,
      texts: before?.texts ?? [],
    };
    try {
      const put = () => records.bucket.put(key, encode(own), { previousSeq: revision });
      return createLease(records, key, own, await records.untilAnswered(put));
    } catch (reason) {
      if (!hasChanged(reason)) throw reason;
      const now = await read(records, key);
      if (now.record?.lease === id) return createLease(records, key, own, now.revision); // the answer to our write was lost
    }
  }
}

function createLease(records: Records, key: string, claimed: JobRecord, claimedAt: number): Lease {
  let record = claimed;
  let revision = claimedAt;

  async function write(changes: Partial<JobRecord>): Promise<void> {
    record = { ...record, ...changes, write: record.write + 1 };
    for (;;) {
      try {
        const put = () => records.bucket.put(key, encode(record), { previousSeq: revision });
        revision = await records.untilAnswered(put);
        return;
      } catch (reason) {
        if (!hasChanged(reason)) throw reason;
        const now = await read(records, key);
        if (now.revision !== 0 && now.record?.lease !== record.lease) {
          throw new LeaseLost(now.record?.state === 'cancelled' && now.record.run === record.run);
        }
        // Our own write, whose answer was lost; or no record at all, where it was older than what the bucket keeps.
        revision = now.revision;
        if (now.record?.write === record.write) return;
      }
    }
  }

  return {
    id: claimed.lease,
    tries: claimed.tries,
    revision: claimed.revision ?? '',
    texts: claimed.texts,
    async advance(texts) {
      const byIndex = new Map([...record.texts, ...texts].map((text) => [text.index, text]));
      await write({ texts: [...byIndex.values()], tries: 0 });
    },
    leave: (state) => write({ state }),
    handOver: () => write({ tries: Math.max(0, record.tries - 1) }),
  };
}

/**
 * Streams, consumers and the bucket, made where they are missing. Every process does it at its start; all come to the same.
 */
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { nanos } from '@nats-io/transport-node';
import { PRIORITIES } from '../../../shared/contract/generation.ts';
import type { NatsConfig } from '../../config.ts';
import type { Link } from './connection.ts';
import { type Names, namesOf } from './names.ts';

/** A delivered job that is not heard of for this long goes to another engine: four signs of life lost, or as long a pause. */
export const LEASE_MS = 4_000;
/** Events and checkpoints are kept this long: as long as a stream may be taken up again, and longer than any pause of a job. */
const KEEP_MS = 15 * 60_000;
/** A message sent again under its id within this time is stored once. */
const DUPLICATES_MS = 5 * 60_000;
/** No deadline is longer than a day. */
const JOBS_MS = 25 * 3_600_000;
const SET_ASIDE_MS = 7 * 24 * 3_600_000;
// Admission refuses far below; this is for gateways that cannot count.
const MOST_JOBS = 100_000;
const NAME_IN_USE = 10_058;

/** What the two sides work with once it stands. */
export interface Topology {
  readonly names: Names;
  readonly checkpoints: KV;
}

async function ensureStream(jsm: JetStreamManager, config: Partial<StreamConfig> & { name: string }): Promise<void> {
  try {
    await jsm.streams.add(config);
  } catch (reason) {
    if (!(reason instanceof JetStreamApiError && reason.code === NAME_IN_USE)) throw reason;
    await jsm.streams.update(config.name, config); // of an earlier version, or with other replicas
  }
}

/** Makes streams and bucket; asks until the servers answer. */
export async function ensureTopology(
  { js, jsm, untilAnswered }: Link,
  { prefix, replicas }: NatsConfig,
): Promise<Topology> {
  const names = namesOf(prefix);
  const file = { storage: StorageType.File, num_replicas: replicas };
  const limits = { ...file, retention: RetentionPolicy.Limits, discard: DiscardPolicy.Old };
  const streams = [
    {
      ...{ ...file, name: names.jobs, subjects: [`${prefix}.jobs.*.*`], retention: RetentionPolicy.Workqueue },
      ...{ max_age: nanos(JOBS_MS), duplicate_window: nanos(DUPLICATES_MS) },
      ...{ max_msgs: MOST_JOBS, discard: DiscardPolicy.New },
    },
    {
      ...{ ...limits, name: names.events, subjects: [names.eventSubject('*', '*')] },
      ...{ max_age: nanos(KEEP_MS), duplicate_window: nanos(DUPLICATES_MS) },
    },
    { ...limits, name: names.setAside, subjects: [names.setAsideSubject('*')], max_age: nanos(SET_ASIDE_MS) },
  ];
  for (const config of streams) await untilAnswered(() => ensureStream(jsm, config));
  // A read has to see the last write, whichever server it comes to: leases depend on it.
  const bucket = { storage: StorageType.File, replicas, ttl: KEEP_MS, history: 1, allow_direct: false };
  const checkpoints = await untilAnswered(() => new Kvm(js).create(names.checkpoints, bucket));
  return { names, checkpoints };
}

/** Makes the consumers of a model, one for each priority. */
export async function ensureConsumers(
  { jsm, untilAnswered }: Link,
  names: Names,
  model: string,
  leaseMs: number,
): Promise<void> {
  for (const priority of PRIORITIES) {
    const config = {
      durable_name: names.consumer(model, priority),
      filter_subject: names.jobSubject(model, priority),
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      replay_policy: ReplayPolicy.Instant,
      ack_wait: nanos(leaseMs),
      max_deliver: -1, // tries are counted by progress, not by deliveries
      max_ack_pending: -1,
    };
    await untilAnswered(() => jsm.consumers.add(names.jobs, config));
  }
}

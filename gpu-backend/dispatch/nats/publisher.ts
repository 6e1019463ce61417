/**
 * What an engine stores in a job's subject of events: each message again until it is, under the same id.
 */
import type { Link } from './connection.ts';
import { type EventsMessage, encode, type StreamMessage, type WorkMessage } from './messages.ts';
import type { Topology } from './topology.ts';

/** What is to be said, without what says of whom. */
export type Said =
  | Pick<EventsMessage, 'type' | 'events'>
  /** The job of this turn is freed. */
  | { readonly type: 'rested'; readonly turn: number };

/** Messages have to be stored one after the other for their order to hold. */
export type Publish = (said: Said) => Promise<void>;

/** @param source who says it, unique: an engine's claim to the job */
export function createPublisher(
  { js, untilAnswered }: Link,
  { names }: Topology,
  { job, run, gateway }: WorkMessage,
  source: string,
): Publish {
  const subject = names.eventSubject(gateway, job.id);
  let part = 0;
  return async (said) => {
    const msgID = `${run}.${source}.${part}`;
    const message: StreamMessage = said.type === 'events' ? { ...said, run, lease: source, part } : { ...said, run };
    part++;
    const data = encode(message);
    await untilAnswered(() => js.publish(subject, data, { msgID }));
  };
}

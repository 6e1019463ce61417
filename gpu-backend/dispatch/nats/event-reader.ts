/**
 * Messages of the stream of events as they are stored, in order and each once, across reconnections: past ones first, then live.
 */
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import { DeliverPolicy } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Logger } from 'pino';
import type { Link } from './connection.ts';
import type { Counted } from './counted.ts';
import { MalformedMessage, readStreamMessage, type StreamMessage } from './messages.ts';
import type { Names } from './names.ts';
import { untilAnswered } from './until-answered.ts';

// How long a pull waits; half of it without a heartbeat, twice, and the consumer is made anew.
const PULL_MS = 2_000;
// A consumer whose reader died is forgotten by the server.
const FORGET_MS = 60_000;

export interface EventReader {
  /** There is nothing stored that was not handed out when it began. */
  readonly empty: boolean;
  close(): void;
}

export interface EventReaderOptions {
  readonly link: Link;
  readonly names: Names;
  /** Subject with wildcards. */
  readonly filter: string;
  /** @param job the last token of the subject */
  readonly onMessage: (job: string, message: StreamMessage) => void;
  readonly counted: Counted;
  readonly log: Logger;
}

export async function readEvents(options: EventReaderOptions): Promise<EventReader> {
  const { link, names, filter, onMessage, counted, log } = options;
  const consumer = await untilAnswered(() =>
    link.js.consumers.get(names.events, {
      filter_subjects: filter,
      deliver_policy: DeliverPolicy.All,
      inactive_threshold: nanos(FORGET_MS),
    }),
  );
  const { num_pending: stored } = await consumer.info(true);
  let closed = false;
  const take = (message: JsMsg) => {
    try {
      onMessage(message.subject.split('.').at(-1) ?? '', readStreamMessage(message.data));
    } catch (reason) {
      if (!(reason instanceof MalformedMessage)) throw reason;
      counted.add('malformed_messages');
      log.error({ err: reason, subject: message.subject }, 'a message cannot be read');
    }
  };
  const messages: ConsumerMessages = await consumer.consume({ max_messages: 500, expires: PULL_MS, callback: take });
  void messages.closed().then((reason) => {
    if (!closed) log.error({ err: reason }, 'the stream of events is read no more');
  });
  return {
    empty: stored === 0,
    close() {
      closed = true;
      messages.stop();
      void consumer.delete().catch(() => {}); // the server forgets it by itself
    },
  };
}

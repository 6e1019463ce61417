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

// How long a pull waits; half of it without a heartbeat, twice, and the consumer is made anew.
const PULL_MS = 2_000;
// A consumer whose reader died is forgotten by the server.
const FORGET_MS = 60_000;

export interface EventReader {
  /** How many messages were stored when it began. */
  readonly stored: number;
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
  /** Sequence in the stream of the last message that was handed out. */
  let last = 0;
  let current: ConsumerMessages | undefined;
  /** Of the consumers one behind the other: what an earlier one still gets is not handed out. */
  let generation = 0;
  let closed = false;

  function take(message: JsMsg): void {
    last = message.seq;
    try {
      onMessage(message.subject.split('.').at(-1) ?? '', readStreamMessage(message.data));
    } catch (reason) {
      if (!(reason instanceof MalformedMessage)) throw reason;
      counted.add('malformed_messages');
      log.error({ err: reason, subject: message.subject }, 'a message cannot be read');
    }
  }

  /** @returns how many messages are stored that were not handed out */
  async function open(): Promise<number> {
    const own = ++generation;
    const start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: last + 1 };
    const wanted = { filter_subjects: filter, inactive_threshold: nanos(FORGET_MS), ...start };
    const consumer = await link.untilAnswered(() => link.js.consumers.get(names.events, wanted));
    const { num_pending: stored } = await consumer.info(true);
    if (closed || own !== generation) return stored;
    const callback = (message: JsMsg) => {
      if (own === generation) take(message);
    };
    const messages = await consumer.consume({ max_messages: 500, expires: PULL_MS, callback });
    current = messages;
    void watch(messages);
    return stored;
  }

  /** Opens it again behind the last message when the consumer is gone, or silent. */
  async function watch(messages: ConsumerMessages): Promise<void> {
    for await (const { type } of messages.status()) {
      if (type === 'heartbeats_missed' || type === 'consumer_not_found' || type === 'consumer_deleted') break;
    }
    if (closed || messages !== current) return;
    log.info({ filter, after: last }, 'the events are read by a new consumer');
    reopen();
  }

  function reopen(): void {
    current?.stop();
    current = undefined;
    // What makes this fail is that the connection is closed for good.
    open().catch((reason: unknown) => closed || log.error({ err: reason }, 'the events are read no more'));
  }

  // A server that restarted has forgotten the consumer, and the library would take a while to find out.
  const forget = link.onReconnect(reopen);
  const stored = await open();
  return {
    stored,
    close() {
      closed = true;
      forget();
      current?.stop();
    },
  };
}

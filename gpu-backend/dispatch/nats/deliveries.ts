/**
 * Jobs from the stream, one at a time and only when asked for: a pull that does not wait leaves nothing behind at the server that
 * could be delivered to an engine which is full, or dead.
 */
import { type Msg, nanos } from '@nats-io/transport-node';
import type { Link } from './connection.ts';
import type { Names } from './names.ts';

// Longest wait for the answer to a pull; a job that comes later is given back at once.
const ANSWER_MS = 2_000;

/** A job that was delivered: the lease on it lasts from one sign of life to the next. */
export interface Delivery {
  readonly data: Uint8Array;
  /** Extends the lease. */
  working(): void;
  ack(): void;
  /** Gives it back, for anybody after `delayMs`. */
  nak(delayMs?: number): void;
  /** Gives it back for good: nobody gets it again. */
  term(): void;
}

export interface Deliveries {
  /** The next job of a consumer; undefined when there is none now. */
  next(consumer: string): Promise<Delivery | undefined>;
  close(): void;
}

function deliveryOf(msg: Msg): Delivery {
  const say = (text: string) => void msg.respond(text);
  return {
    data: msg.data,
    working: () => say('+WPI'),
    ack: () => say('+ACK'),
    nak: (delayMs = 0) => say(delayMs === 0 ? '-NAK' : `-NAK ${JSON.stringify({ delay: nanos(delayMs) })}`),
    term: () => say('+TERM'),
  };
}

/** @param js the JetStream API's prefix */
export function openDeliveries({ nc, js: { apiPrefix } }: Link, names: Names): Deliveries {
  const inbox = `_INBOX.${crypto.randomUUID()}`;
  let answer: ((msg: Msg | undefined) => void) | undefined;
  const isStatus = (msg: Msg) => msg.headers !== undefined && msg.headers.code !== 0 && msg.data.length === 0;
  const subscription = nc.subscribe(inbox, {
    callback: (error, msg) => {
      if (error !== null) return;
      const delivered = isStatus(msg) ? undefined : msg;
      if (answer !== undefined) answer(delivered);
      else if (delivered !== undefined) deliveryOf(delivered).nak();
    },
  });
  return {
    async next(consumer) {
      const { promise, resolve } = Promise.withResolvers<Msg | undefined>();
      answer = resolve;
      const timer = setTimeout(resolve, ANSWER_MS, undefined);
      try {
        const pull = JSON.stringify({ batch: 1, no_wait: true });
        nc.publish(`${apiPrefix}.CONSUMER.MSG.NEXT.${names.jobs}.${consumer}`, pull, { reply: inbox });
        const msg = await promise;
        return msg && deliveryOf(msg);
      } finally {
        clearTimeout(timer);
        answer = undefined;
      }
    },
    close: () => subscription.unsubscribe(),
  };
}

/**
 * One job as its gateway sees it: the events its engines publish, each once and in order, until all texts are done, the reader leaves or
 * the time is over.
 */
import type { Logger } from 'pino';
import { ProblemError, problem } from '../../../shared/contract/problem.ts';
import type { GenerationEvent } from '../../../shared/contract/stream.ts';
import type { Reader } from '../../engine/reader.ts';
import type { Channel } from '../channel.ts';
import type { Counted } from './counted.ts';
import type { StreamMessage, Submission } from './messages.ts';
import { keepRest } from './rest.ts';
import { BrokenSequence, createSequence } from './sequence.ts';

// The engine ends a job at its deadline and says so; this is for an engine that cannot.
const SLACK_MS = 1_000;

/** What a gateway tells the engines of one job. */
export interface Orders {
  readonly rest: () => void;
  readonly goOn: (turn: number) => void;
  readonly cancel: () => void;
}

export interface FollowOptions {
  readonly submission: Submission;
  /** What is stored in the job's subject, from its beginning. */
  readonly messages: Channel<StreamMessage>;
  readonly reader: Reader;
  readonly orders: Orders;
  /** Whether another gateway has taken the job up: nothing is cancelled then. */
  readonly isTaken: () => boolean;
  readonly counted: Counted;
  readonly log: Logger;
}

/** @throws ProblemError; the signal's reason */
export async function* follow(options: FollowOptions): AsyncGenerator<GenerationEvent, void> {
  const { submission, messages, reader, orders, isTaken, counted, log } = options;
  const { signal, wants } = reader;
  const sequence = createSequence(submission.job.request.n ?? 1);
  const leave = () => messages.fail(signal.reason);
  signal.addEventListener('abort', leave, { once: true });
  const late = () => messages.fail(problem('deadline_exceeded', 'The text was not finished in time.'));
  const deadline = setTimeout(late, Math.max(0, submission.deadline - Date.now()) + SLACK_MS);
  const rest = keepRest({ wants, rest: orders.rest, goOn: orders.goOn });
  let ended = false;
  try {
    signal.throwIfAborted();
    for await (const message of messages.values()) {
      signal.throwIfAborted(); // what came before he left is not handed out behind it
      if (message.run !== submission.run || message.type === 'submission') continue;
      if (message.type === 'rested') {
        rest.rested(message.turn);
        continue;
      }
      rest.working();
      for (const event of message.events) {
        if (!sequence.takes(event)) {
          counted.add('events_repeated');
          if (event.type === 'step') counted.add('steps_repeated');
          continue;
        }
        ended = event.type === 'problem' || sequence.complete;
        if (event.type === 'problem') throw new ProblemError(event.problem);
        yield event;
        if (ended) return;
      }
    }
  } catch (reason) {
    if (reason instanceof BrokenSequence) {
      counted.add('event_gaps');
      log.error({ err: reason }, 'the stream of a job is broken');
    }
    throw reason;
  } finally {
    clearTimeout(deadline);
    signal.removeEventListener('abort', leave);
    rest.close();
    if (!ended && !isTaken()) {
      counted.add('jobs_cancelled');
      orders.cancel();
    }
  }
}

/**
 * What an engine has to say of one job, on its way to the stream of events: in order, each message stored before the next is sent.
 *
 * What comes while a message is under way goes with the next, so a slow or restarting server makes messages larger, not more; several
 * at once could be stored out of order when a connection breaks. Checkpoints are written behind the events before them.
 */
import type { GenerationEvent } from '../../../shared/contract/stream.ts';
import type { TextCheckpoint } from '../../denoise/checkpoint.ts';
import type { WorkEvent } from '../../engine/engine.ts';
import { createGate, type Gate } from '../../engine/reader.ts';

// Beyond so many events that are not stored yet the work rests.
const MOST_WAITING = 256;
const GO_ON_AT = 32;
// Characters of one message; servers take a megabyte by default, and a character may have three bytes.
const MESSAGE_CHARACTERS = 200_000;

export interface Outbox {
  push(event: WorkEvent): void;
  /** Shut while too much is waiting. */
  readonly wants: Gate;
  /** Resolves when all that was pushed is stored; rejects with what stopped it. */
  flushed(): Promise<void>;
}

export interface OutboxOptions {
  /** Stores a message with these events. */
  readonly publish: (events: readonly GenerationEvent[]) => Promise<void>;
  /** Writes checkpoints, the events before them stored. */
  readonly save: (texts: readonly TextCheckpoint[]) => Promise<void>;
  /** Called once when either fails; nothing is sent any more. */
  readonly onFailure: (reason: unknown) => void;
}

export function createOutbox({ publish, save, onFailure }: OutboxOptions): Outbox {
  const waiting: WorkEvent[] = [];
  const wants = createGate();
  let pumping: Promise<void> | undefined;
  let failure: { readonly reason: unknown } | undefined;

  function take(): { events: GenerationEvent[]; texts: TextCheckpoint[] } {
    const events: GenerationEvent[] = [];
    const texts = new Map<number, TextCheckpoint>();
    let characters = 0;
    while (waiting.length > 0 && characters < MESSAGE_CHARACTERS) {
      const event = waiting.shift()!;
      if (event.type === 'checkpoint') texts.set(event.checkpoint.index, event.checkpoint);
      else {
        characters += JSON.stringify(event).length;
        events.push(event);
      }
    }
    if (waiting.length <= GO_ON_AT) wants.set(true);
    return { events, texts: [...texts.values()] };
  }

  async function pump(): Promise<void> {
    try {
      while (waiting.length > 0) {
        const { events, texts } = take();
        if (events.length > 0) await publish(events);
        if (texts.length > 0) await save(texts);
      }
    } catch (reason) {
      failure = { reason };
      onFailure(reason);
    } finally {
      pumping = undefined;
    }
  }

  return {
    wants,
    push(event) {
      if (failure !== undefined) return;
      waiting.push(event);
      if (waiting.length > MOST_WAITING) wants.set(false);
      pumping ??= pump();
    },
    async flushed() {
      await pumping;
      if (failure !== undefined) throw failure.reason;
    },
  };
}

/**
 * Exactly once: of the events of a job, which engines may publish again, those that its reader has not had yet.
 *
 * An engine that takes a job up begins at its last checkpoint, so steps come again; they never come out of order or with one missing,
 * since checkpoints are written behind the events before them and each engine publishes in order.
 */
import type { GenerationEvent } from '../../../shared/contract/stream.ts';

/** Events of a job that should be there are not, or contradict what was said before. */
export class BrokenSequence extends Error {}

export interface Sequence {
  /**
   * Whether the event is new.
   * @throws BrokenSequence when one before it is missing
   */
  takes(event: GenerationEvent): boolean;
  /** All texts are done. */
  readonly complete: boolean;
}

interface Seen {
  /** The last step; 0 before the first. */
  step: number;
  readonly revision: string;
  done: boolean;
}

/** @param texts how many the job has */
export function createSequence(texts: number): Sequence {
  const seen = new Map<number, Seen>();
  let done = 0;
  const textOf = (index: number, what: string) => {
    const text = seen.get(index);
    if (text === undefined) throw new BrokenSequence(`${what} of text ${index} came before the text was accepted`);
    return text;
  };
  return {
    get complete() {
      return done === texts;
    },
    takes(event) {
      switch (event.type) {
        case 'accepted': {
          const before = seen.get(event.index);
          if (before !== undefined && before.revision !== event.revision) {
            throw new BrokenSequence(
              `text ${event.index} went on with model ${event.revision}, not ${before.revision}`,
            );
          }
          if (before === undefined) seen.set(event.index, { step: 0, revision: event.revision, done: false });
          return before === undefined;
        }
        case 'step': {
          const text = textOf(event.index, `step ${event.step}`);
          if (event.step <= text.step) return false;
          if (event.step !== text.step + 1) {
            throw new BrokenSequence(`step ${event.step} of text ${event.index} came behind step ${text.step}`);
          }
          text.step = event.step;
          return true;
        }
        case 'done': {
          const text = textOf(event.index, 'the end');
          if (text.done) return false;
          if (event.usage.denoising_steps !== text.step) {
            const steps = event.usage.denoising_steps;
            throw new BrokenSequence(`text ${event.index} ended after ${steps} steps, of which ${text.step} came`);
          }
          text.done = true;
          done++;
          return true;
        }
        case 'problem':
          return true;
      }
    },
  };
}

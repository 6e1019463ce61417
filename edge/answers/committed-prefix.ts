/** The part of a text that can no longer change while the rest is still being denoised: `stream: "text"`. */
import { type Frame, firstFrame, nextFrame } from '../../shared/contract/frames.ts';
import type { AcceptedEvent, DoneEvent, StepEvent } from '../../shared/contract/stream.ts';
import { backendFailed } from '../backends/backend.ts';

export interface CommittedPrefix {
  /** What stands before the first step. */
  start(): string;
  /** What a step settled; '' when nothing. */
  step(event: StepEvent): string;
  /** What is left to send of the finished text. */
  done(event: DoneEvent): string;
}

/**
 * Follows one text of a generation and says, event by event, what its settled beginning grew by.
 *
 * Settled is what stands left of the first mask, in whole characters: committed tokens stay. A sampler that may change them says
 * with each step how far they stay. Should one be masked again after it was sent, the promise is broken, and that is a
 * failure, not a silent correction.
 */
export function committedPrefix(accepted: AcceptedEvent): CommittedPrefix {
  let frame: Frame = firstFrame(accepted);
  let settled = 0;
  let sent = '';
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  function grow(until: number): string {
    let text = '';
    for (; settled < until; settled++) {
      const cell = frame.cells[settled];
      if (cell === undefined) break;
      text += decoder.decode(cell, { stream: true });
    }
    sent += text;
    return text;
  }

  return {
    start: () => grow(frame.cells.length),
    step(event) {
      const unsettled = (position: number) => position >= settled;
      const kept = event.remasked.every(unsettled) && event.committed.every(({ position }) => unsettled(position));
      if (!kept) throw backendFailed('it changed text that was already settled');
      frame = nextFrame(frame, event);
      return grow(Math.min(event.settled ?? frame.cells.length, frame.cells.length));
    },
    done(event) {
      if (!event.text.startsWith(sent)) throw backendFailed('its finished text does not begin with what was settled');
      return event.text.slice(sent.length);
    },
  };
}

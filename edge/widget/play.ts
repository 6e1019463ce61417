/** The denoising steps of one text in time: each is seen for a moment, however many arrive at once. */
import { noAnswer } from '../../shared/client/error.ts';
import { pause } from '../../shared/client/transport.ts';
import { cellTexts, type Frame, firstFrame, nextFrame } from '../../shared/contract/frames.ts';
import type { AcceptedEvent, DoneEvent, ProgressEvent } from '../../shared/contract/stream.ts';

/** How long a text may take before its steps are shown while nobody knows yet how wide it will be. */
const HEAD_START_MS = 200;
/** What one step is seen for, and what all steps of a text take at most that is there already. */
const STEP_MS = 90;
const ALL_STEPS_MS = 1_200;

/** A text position by position; undefined where it is masked. */
export type Cells = readonly (string | undefined)[];

/** What is seen at one moment. */
export interface Moment {
  readonly cells: Cells;
  /** The finished text, where it has arrived by now. */
  readonly finished: Cells | undefined;
  /** 0 before the first. */
  readonly step: number;
  readonly accepted: AcceptedEvent;
}

export interface Screen {
  draw(moment: Moment): void;
  /** Nothing is to move: nobody looks, or who looks wants it so. */
  still(): boolean;
}

/**
 * Shows all steps, in their order and none left out.
 * @param arrived told of the finished text as soon as it is there, which is before all of it was shown
 * @throws what the events throw, behind the steps that came before it; MaskwrightError where they break off; the signal's reason
 */
export async function play(
  events: AsyncIterable<ProgressEvent>,
  { draw, still }: Screen,
  arrived: (done: DoneEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const frames: Frame[] = [];
  let accepted: AcceptedEvent | undefined;
  let finished: Cells | undefined;
  let wake = () => {};

  const reading = (async () => {
    for await (const event of events) {
      if (event.type === 'accepted') {
        accepted = event;
        frames.push(firstFrame(event));
      } else if (event.type === 'step') {
        frames.push(nextFrame(frames.at(-1)!, event));
      } else {
        finished = cellTexts(frames.at(-1)!);
        arrived(event);
      }
      wake();
    }
    if (!finished) throw noAnswer('The stream broke off before its text was finished.');
  })();
  // It may fail while a step is being looked at: whoever asks for more meets it then.
  reading.catch(() => {});
  const more = () => Promise.race([reading, new Promise<void>((resolve) => (wake = resolve))]);
  const seen = (ms: number) => (still() ? undefined : pause(ms, signal));

  await more();
  await Promise.race([reading, seen(HEAD_START_MS)]);
  for (let shown = 0; shown < frames.length; shown++) {
    signal.throwIfAborted();
    const frame = frames[shown];
    draw({ cells: cellTexts(frame), finished, step: frame.step, accepted: accepted! });
    await seen(Math.min(STEP_MS, ALL_STEPS_MS / accepted!.steps));
    while (shown + 1 === frames.length && !finished) await more();
  }
}

/** A generation as it stands behind each message of its stream. */
import { type Frame, firstFrame, frameText, nextFrame } from '../contract/frames.ts';
import type { ProgressEvent } from '../contract/stream.ts';
import { noAnswer } from './error.ts';
import type { StreamMessage } from './stream.ts';

/** A text as it stands behind one event of its stream. */
export interface Snapshot {
  /** Which of the texts of the request, from 0. */
  readonly index: number;
  /** 0 before the first step. */
  readonly step: number;
  /** The text, with `░` for each position that is still masked. */
  readonly text: string;
  readonly done: boolean;
  /** What happened: `accepted`, `step`, `done`. */
  readonly event: ProgressEvent;
}

/** A text behind every event of its stream. */
export async function* snapshots(messages: AsyncIterable<StreamMessage>): AsyncGenerator<Snapshot, void> {
  const frames = new Map<number, Frame>();
  for await (const { data } of messages) yield snapshot(frames, JSON.parse(data) as ProgressEvent);
}

/** The pieces of a text stream. */
export async function* pieces(messages: AsyncIterable<StreamMessage>): AsyncGenerator<string, void> {
  for await (const { name, data } of messages) {
    if (name === 'text') yield (JSON.parse(data) as { text: string }).text;
  }
}

function snapshot(frames: Map<number, Frame>, event: ProgressEvent): Snapshot {
  const { index } = event;
  const known = frames.get(index);
  if (event.type === 'done') return { index, step: known?.step ?? 0, text: event.text, done: true, event };
  if (event.type === 'step' && known === undefined) throw noAnswer('The stream does not begin at its beginning.');
  const frame = event.type === 'accepted' ? firstFrame(event) : nextFrame(known!, event);
  frames.set(index, frame);
  return { index, step: frame.step, text: frameText(frame), done: false, event };
}

/**
 * What a reader can know of an answer: that nothing of it is missing or doubled, and that its texts hold what was asked for.
 */
import { checkText } from '../gpu-backend/check.ts';
import { type Frame, firstFrame, frameText, nextFrame } from '../shared/contract/frames.ts';
import type { AcceptedEvent, DoneEvent, NumberedEvent, StepEvent } from '../shared/contract/stream.ts';
import type { Call } from './serve-caller.ts';

export interface Audit {
  /** What is wrong, in words; empty where all is right. */
  readonly faults: readonly string[];
  /** The texts that are finished, by index. */
  readonly texts: readonly (string | undefined)[];
  /** Code of the problem that the answer is, or ends with. */
  readonly problem?: string;
  /** Tokens of finished texts, the end-of-text tail not counted. */
  readonly tokens: number;
}

/** One text as its events tell it. */
interface Told {
  readonly frame: Frame;
  readonly done?: DoneEvent;
}

/** Reads an answer from its first event to its last. */
export function audit({ request, id, status, body, broken }: Call): Audit {
  if (status !== 200) return refusal(status, body, broken);
  const faults: string[] = broken === undefined ? [] : [`the connection broke: ${broken}`];
  const told: (Told | undefined)[] = new Array(request.n ?? 1).fill(undefined);
  let problem: string | undefined;
  for (const event of eventsOf(body, faults)) {
    if (problem !== undefined) faults.push(`${event.type} behind a problem`);
    if (event.type === 'problem') problem = event.problem.code;
    else if (event.index >= told.length) faults.push(`${event.type} of text ${event.index}, of ${told.length}`);
    else told[event.index] = next(told[event.index], event, id, faults);
  }
  const finished = told.filter((text) => text?.done !== undefined) as (Told & { readonly done: DoneEvent })[];
  if (problem === undefined && finished.length < told.length) {
    faults.push(`${finished.length} of ${told.length} texts are done, and no problem says why`);
  }
  let tokens = 0;
  for (const { frame, done } of finished) {
    const whole = frame.cells.filter((cell) => cell !== undefined && cell.length > 0).length;
    tokens += whole;
    if (frameText(frame) !== done.text) faults.push(`text ${done.index} is not what its steps make`);
    for (const { pointer, detail } of checkText(request, done.text, { whole, holes: {} }).failed) {
      faults.push(`text ${done.index} does not hold ${pointer}: ${detail}`);
    }
  }
  return {
    faults,
    texts: told.map((text) => text?.done?.text),
    problem,
    tokens,
  };
}

function refusal(status: number, body: string, broken: string | undefined): Audit {
  const nothing = { texts: [], tokens: 0 };
  if (broken !== undefined) return { ...nothing, faults: [`no answer: ${broken}`] };
  return { ...nothing, faults: [`status ${status}: ${body}`], problem: /"code":"(\w+)"/.exec(body)?.[1] ?? 'none' };
}

function* eventsOf(body: string, faults: string[]): Generator<NumberedEvent> {
  const lines = body.split('\n');
  if (lines.pop() !== '') faults.push('the last line is cut off');
  let number = 0;
  for (const line of lines) {
    if (line === '') continue; // says that the connection lives
    const event = JSON.parse(line) as NumberedEvent;
    if (event.seq !== number++) faults.push(`event ${event.seq} behind event ${number - 2}`);
    yield event;
  }
}

/** A text after an event of it. */
function next(
  text: Told | undefined,
  event: AcceptedEvent | StepEvent | DoneEvent,
  id: string,
  faults: string[],
): Told | undefined {
  const fault = (what: string) => faults.push(`text ${event.index}: ${what}`);
  if (event.type === 'accepted') {
    if (text !== undefined) fault('accepted twice');
    if (event.id !== id) fault(`accepted as ${event.id}, not ${id}`);
    return { frame: firstFrame(event) };
  }
  if (text === undefined) {
    fault(`${event.type} before it was accepted`);
    return undefined;
  }
  if (text.done !== undefined) fault(`${event.type} after it was done`);
  if (event.type === 'step') {
    if (event.step !== text.frame.step + 1) fault(`step ${event.step} behind step ${text.frame.step}`);
    return { ...text, frame: nextFrame(text.frame, event) };
  }
  if (event.usage.denoising_steps !== text.frame.step) {
    fault(`done after step ${text.frame.step}, of ${event.usage.denoising_steps}`);
  }
  return { ...text, done: event };
}

/** The events of a generation as a service writes them: lines of JSON, numbered without a gap, checked as they come. */
import { ProblemError } from '../../shared/contract/problem.ts';
import type { GenerationEvent, NumberedEvent, ProgressEvent } from '../../shared/contract/stream.ts';
import { log } from '../watching/log.ts';
import { backendFailed, readProblem } from './backend.ts';

/** An event and its number among those of its generation, from 0; a problem ends the iteration by being thrown. */
export interface NumberedProgress {
  readonly seq: number;
  readonly event: ProgressEvent;
}

/** The service sends an empty line every 10 s: where three are missing, nobody is there. */
const SILENCE_MS = 30_000;

export interface Expected {
  /** Number of the next event. */
  readonly next: number;
  /** Texts that end in it; where that is not known, the end of the body is the end. */
  readonly texts?: number;
}

/** @throws ProblemError between events, never instead of an incomplete end */
export async function* eventsOf(
  response: Response,
  { next, texts }: Expected,
  signal: AbortSignal,
): AsyncGenerator<NumberedProgress> {
  let finished = 0;
  for await (const part of parts(response.body, signal, () => finished === texts)) {
    for (const line of part) {
      const { seq, ...event } = parseEvent(line);
      if (event.type === 'problem') {
        throw new ProblemError(readProblem(event.problem) ?? backendFailed('it broke off').problem);
      }
      if (seq !== next++) throw backendFailed('it left out or repeated an event');
      if (event.type === 'done') finished++;
      yield { seq, event };
      // Nothing comes behind the last text but the end of the body, which nobody has to wait for.
      if (finished === texts) return;
    }
  }
  if (texts !== undefined && finished !== texts) throw backendFailed('it broke off before the text was finished');
}

/**
 * The lines of a body of UTF-8 text, those together that came together. A last line without its end is a line that was cut off, and is
 * left out.
 * @param isWhole whether nothing more is awaited
 */
async function* parts(
  body: ReadableStream<Uint8Array> | null,
  signal: AbortSignal,
  isWhole: () => boolean,
): AsyncGenerator<readonly string[]> {
  if (body === null) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const ear = listening(reader);
  let rest = '';
  try {
    for (;;) {
      const part = await reader.read().catch((error: unknown) => brokenOff(signal, error));
      if (ear.silent) return brokenOff(signal, new Error('nothing came'));
      if (part.done) return;
      ear.heard();
      const complete = (rest + decoder.decode(part.value, { stream: true })).split('\n');
      rest = complete.pop() ?? '';
      yield complete.filter((line) => line !== '');
    }
  } finally {
    ear.end();
    // Left early (the reader is gone, or an event made no sense): the service is told by the closed connection. One that has said all is
    // read to its end, so that the next request finds its connection open.
    if (isWhole()) void reader.read().catch(() => undefined);
    else await reader.cancel().catch(() => undefined);
  }
}

/** Ends the reading when nothing has come for too long. One timer for the whole stream: one for each part is felt. */
function listening(reader: ReadableStreamDefaultReader<Uint8Array>) {
  let last = Date.now();
  let silent = false;
  let timer = setTimeout(look, SILENCE_MS);
  function look(): void {
    const left = last + SILENCE_MS - Date.now();
    if (left > 0) {
      timer = setTimeout(look, left);
      return;
    }
    silent = true;
    void reader.cancel().catch(() => undefined); // what is being read ends
  }
  return {
    get silent() {
      return silent;
    },
    heard() {
      last = Date.now();
    },
    end: () => clearTimeout(timer),
  };
}

function brokenOff(signal: AbortSignal, error: unknown): never {
  if (!signal.aborted) log('error', 'the connection to the service broke off', { error: String(error) });
  throw backendFailed('the connection broke off');
}

const TYPES: ReadonlySet<unknown> = new Set<GenerationEvent['type']>(['accepted', 'step', 'done', 'problem']);

function parseEvent(line: string): NumberedEvent {
  try {
    const event = JSON.parse(line) as NumberedEvent;
    if (TYPES.has(event.type) && Number.isInteger(event.seq)) return event;
  } catch {
    // Falls through: both cases are the same to a caller.
  }
  throw backendFailed('it sent an event that cannot be read');
}

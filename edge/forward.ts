/** A generation as the inference service runs it: a signed request out, a stream of events back. */
import type { GenerationJob } from '../shared/contract/generation.ts';
import { ProblemError, problem } from '../shared/contract/problem.ts';
import { signRequest } from '../shared/contract/signature.ts';
import type { GenerationEvent, NumberedEvent, ProgressEvent } from '../shared/contract/stream.ts';
import { backendFailed, backendsOf, callBackend, readProblem, signed } from './backend.ts';
import type { Env } from './env.ts';
import { log } from './log.ts';

/** An event and its number among those of its generation, from 0; a problem ends the iteration by being thrown. */
export interface NumberedProgress {
  readonly seq: number;
  readonly event: ProgressEvent;
}

/** The service sends an empty line every 10 s: where three are missing, nobody is there. */
const SILENCE_MS = 30_000;
/** What the service has beyond a job's deadline to say that it is over. */
const DEADLINE_MARGIN_MS = 2_000;

/**
 * Starts a generation and iterates over its events. Aborting `signal` closes the connection, and with it stops the work.
 * @throws ProblemError before the first event or between events, never instead of an incomplete end.
 */
export async function* generate(env: Env, job: GenerationJob, signal: AbortSignal): AsyncGenerator<NumberedProgress> {
  const body = JSON.stringify(job);
  const signature = await signRequest(env.BACKEND_SECRET, { method: 'POST', path: '/generate', body });
  const { deadline_ms: deadlineMs } = job;
  const late = new AbortController();
  const timer = deadlineMs && setTimeout(() => late.abort(), deadlineMs + DEADLINE_MARGIN_MS);
  try {
    const either = AbortSignal.any([signal, late.signal]);
    const response = await callBackend(env, backendsOf(env)[0], '/generate', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...ACCEPT, ...signature },
      body,
      signal: either,
    });
    yield* eventsOf(response, { next: 0, texts: job.request.n ?? 1 }, either);
  } catch (error) {
    if (!late.signal.aborted) throw error;
    throw problem('deadline_exceeded', `The text was not finished within ${deadlineMs} ms.`);
  } finally {
    clearTimeout(timer);
  }
}

/** A generation whose reader lost its stream. */
export interface Lost {
  readonly id: string;
  /** Who started it. */
  readonly owner: string;
  /** Number of the last event he has seen, -1 for none. */
  readonly after: number;
}

/**
 * Takes up the events of a generation behind the last one its reader has seen.
 * @throws ProblemError `stream_gone` where the service does not know it any more, and what `generate` throws.
 */
export async function* resume(
  env: Env,
  { id, owner, after }: Lost,
  signal: AbortSignal,
): AsyncGenerator<NumberedProgress> {
  const path = `/jobs/${id}/events?${new URLSearchParams({ owner, after: String(after) })}`;
  const headers = { ...ACCEPT, ...(await signed(env, 'GET', path)) };
  const response = await callBackend(env, backendsOf(env)[0], path, { headers, signal });
  yield* eventsOf(response, { next: after + 1 }, signal);
}

const ACCEPT = { accept: 'application/x-ndjson' };

interface Expected {
  /** Number of the next event. */
  readonly next: number;
  /** Texts that end in it; where that is not known, the end of the body is the end. */
  readonly texts?: number;
}

async function* eventsOf(
  response: Response,
  { next, texts }: Expected,
  signal: AbortSignal,
): AsyncGenerator<NumberedProgress> {
  let finished = 0;
  for await (const line of lines(response.body, signal)) {
    const { seq, ...event } = parseEvent(line);
    if (event.type === 'problem') {
      throw new ProblemError(readProblem(event.problem) ?? backendFailed('it broke off').problem);
    }
    if (seq !== next++) throw backendFailed('it left out or repeated an event');
    if (event.type === 'done') finished++;
    yield { seq, event };
  }
  if (texts !== undefined && finished !== texts) throw backendFailed('it broke off before the text was finished');
}

/** The lines of a body of UTF-8 text. A last line without its end is a line that was cut off, and is left out. */
async function* lines(body: ReadableStream<Uint8Array> | null, signal: AbortSignal): AsyncGenerator<string> {
  if (body === null) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (let part = await read(reader, signal); !part.done; part = await read(reader, signal)) {
      const complete = (rest + decoder.decode(part.value, { stream: true })).split('\n');
      rest = complete.pop() ?? '';
      for (const line of complete) if (line !== '') yield line;
    }
  } finally {
    // Left early (the reader is gone, or an event made no sense): the service is told by the closed connection.
    await reader.cancel().catch(() => undefined);
  }
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array>, signal: AbortSignal) {
  const { promise: silence, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('nothing came')), SILENCE_MS);
  try {
    return await Promise.race([reader.read(), silence]);
  } catch (error) {
    if (!signal.aborted) log('error', 'the connection to the service broke off', { error: String(error) });
    throw backendFailed('the connection broke off');
  } finally {
    clearTimeout(timer);
  }
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

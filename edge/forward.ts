/** A generation as the inference service runs it: a signed request out, a stream of events back. */
import type { GenerationJob } from '../shared/contract/generation.ts';
import { ProblemError } from '../shared/contract/problem.ts';
import { signRequest } from '../shared/contract/signature.ts';
import type { AcceptedEvent, DoneEvent, GenerationEvent, StepEvent } from '../shared/contract/stream.ts';
import { backendFailed, callBackend, readProblem } from './backend.ts';
import type { Env } from './env.ts';

/** What a generation that goes well consists of; a problem ends the iteration by being thrown. */
export type ProgressEvent = AcceptedEvent | StepEvent | DoneEvent;

/**
 * Starts a generation and iterates over its events. Aborting `signal` closes the connection, and with it stops the work.
 * @throws ProblemError before the first event or between events, never instead of an incomplete end.
 */
export async function* generate(env: Env, job: GenerationJob, signal: AbortSignal): AsyncGenerator<ProgressEvent> {
  const body = JSON.stringify(job);
  const signature = await signRequest(env.BACKEND_SECRET, { method: 'POST', path: '/generate', body });
  const response = await callBackend(env, '/generate', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/x-ndjson', ...signature },
    body,
    signal,
  });
  let texts = job.request.n ?? 1;
  for await (const line of lines(response.body, signal)) {
    const event = parseEvent(line);
    if (event.type === 'problem') {
      throw new ProblemError(readProblem(event.problem) ?? backendFailed('it broke off').problem);
    }
    if (event.type === 'done') texts--;
    yield event;
  }
  if (texts !== 0) throw backendFailed('it broke off before the text was finished');
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
  try {
    return await reader.read();
  } catch (error) {
    if (!signal.aborted) console.error('backend', String(error));
    throw backendFailed('the connection broke off');
  }
}

const TYPES: ReadonlySet<unknown> = new Set<GenerationEvent['type']>(['accepted', 'step', 'done', 'problem']);

function parseEvent(line: string): GenerationEvent {
  try {
    const event = JSON.parse(line) as GenerationEvent;
    if (TYPES.has(event.type)) return event;
  } catch {
    // Falls through: both cases are the same to a caller.
  }
  throw backendFailed('it sent an event that cannot be read');
}

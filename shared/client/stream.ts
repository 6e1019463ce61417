/** The events of a generation, across lost connections: taken up again where they were lost, none repeated, none left out. */
import { type MaskwrightError, noAnswer, readProblem } from './error.ts';
import { serverSentEvents } from './server-sent-events.ts';
import type { Transport } from './transport.ts';

/** What a stream of a generation consists of, by the names of its events. */
export interface StreamMessage {
  readonly name: string;
  readonly data: string;
}

export interface StreamCall {
  readonly path: string;
  /** Whether a stream that is lost can be taken up again. */
  readonly resumable: boolean;
  /** With `stream`. */
  readonly body: { readonly stream: 'steps' | 'text'; readonly [field: string]: unknown };
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Tries to take it up again that bring nothing new, before it is given up. */
  readonly retries: number;
}

/**
 * @throws MaskwrightError for a problem before or in the stream, and where it cannot be taken up again; the signal's reason
 */
export async function* streamMessages(
  call: Transport,
  { path, resumable, body, headers, signal, retries }: StreamCall,
): AsyncGenerator<StreamMessage, void> {
  let response = await call({ method: 'POST', path, body, headers, signal, repeatable: true });
  let id: string | undefined;
  let last: string | undefined;
  let fruitless = 0;
  for (;;) {
    let lost: unknown;
    try {
      for await (const event of serverSentEvents(response.body ?? new ReadableStream())) {
        if (event.data === '[DONE]') return;
        if (event.name === 'problem') throw problemIn(event.data);
        id ??= event.name === 'accepted' ? (JSON.parse(event.data) as { id: string }).id : undefined;
        last = event.id ?? last;
        fruitless = 0;
        yield event;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (isProblem(error)) throw error;
      lost = error;
    }
    if (!resumable || id === undefined || last === undefined || ++fruitless > retries) {
      throw noAnswer('The stream broke off before its text was finished.', lost);
    }
    response = await call({
      path: `/v1/generations/${id}/events?stream=${body.stream}`,
      headers: { 'last-event-id': last },
      signal,
      repeatable: true,
    });
  }
}

function problemIn(data: string): MaskwrightError {
  const { problem } = JSON.parse(data) as { problem: unknown };
  return readProblem(JSON.stringify(problem)) ?? noAnswer('The stream ended in a problem that cannot be read.');
}

const isProblem = (error: unknown): error is MaskwrightError =>
  error instanceof Error && error.name === 'MaskwrightError';

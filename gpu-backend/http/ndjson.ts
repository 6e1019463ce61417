/**
 * Events as a stream of JSON lines that its reader paces.
 */
import type { GenerationEvent } from '../../shared/contract/stream.ts';

// Bytes made ahead of the reader. The events of an ordinary job fit, so that a reader who stops reading holds up nothing but his
// own answer, and costs no more than this.
const BYTES_AHEAD = 262_144;
// A reader who lets that much lie for this long has gone away without saying so.
const STALL_MS = 30_000;

export interface NdjsonOptions {
  /** What to say, as a last line, of something thrown; undefined to say nothing. */
  readonly onFailure: (thrown: unknown) => GenerationEvent | undefined;
  /** Called when the reader goes away, or stalls. */
  readonly onCancel: (reason: unknown) => void;
  readonly bytesAhead?: number;
  readonly stallMs?: number;
}

/** Streams `first`, then `rest`, one JSON object a line. */
export function ndjsonStream(
  first: GenerationEvent,
  rest: AsyncGenerator<GenerationEvent, void>,
  { onFailure, onCancel, bytesAhead = BYTES_AHEAD, stallMs = STALL_MS }: NdjsonOptions,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let stalled: NodeJS.Timeout | undefined;
  const send = (controller: ReadableStreamDefaultController<Uint8Array>, event: GenerationEvent) => {
    controller.enqueue(encoder.encode(`${JSON.stringify(event)}\n`));
    if ((controller.desiredSize ?? 0) > 0) return;
    stalled = setTimeout(() => {
      const reason = new Error(`the reader stopped reading for ${stallMs} ms`);
      controller.error(reason);
      onCancel(reason);
      rest.return().catch(() => {});
    }, stallMs);
    stalled.unref();
  };
  return new ReadableStream(
    {
      start: (controller) => send(controller, first),
      async pull(controller) {
        clearTimeout(stalled);
        try {
          const { done, value } = await rest.next();
          if (done) controller.close();
          else send(controller, value);
        } catch (thrown) {
          const last = onFailure(thrown);
          if (last !== undefined) send(controller, last);
          clearTimeout(stalled);
          controller.close();
        }
      },
      async cancel(reason) {
        clearTimeout(stalled);
        onCancel(reason);
        await rest.return();
      },
    },
    { highWaterMark: bytesAhead, size: (chunk) => chunk.byteLength },
  );
}

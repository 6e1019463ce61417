/**
 * Events as a stream of JSON lines that its reader paces.
 */
import type { GenerationEvent } from '../../shared/contract/stream.ts';

// Events made ahead of the reader: enough that a reader of ordinary speed never holds up a batch, few enough that one who stops
// reading costs a few kilobytes.
const EVENTS_AHEAD = 8;

/**
 * Streams `first`, then `rest`, one JSON object a line.
 *
 * @param onFailure what to say, as a last line, of something thrown; undefined to say nothing
 * @param onCancel called when the reader goes away
 */
export function ndjsonStream(
  first: GenerationEvent,
  rest: AsyncGenerator<GenerationEvent, void>,
  onFailure: (thrown: unknown) => GenerationEvent | undefined,
  onCancel: (reason: unknown) => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const line = (event: GenerationEvent) => encoder.encode(`${JSON.stringify(event)}\n`);
  return new ReadableStream(
    {
      start(controller) {
        controller.enqueue(line(first));
      },
      async pull(controller) {
        try {
          const { done, value } = await rest.next();
          if (done) controller.close();
          else controller.enqueue(line(value));
        } catch (thrown) {
          const last = onFailure(thrown);
          if (last !== undefined) controller.enqueue(line(last));
          controller.close();
        }
      },
      async cancel(reason) {
        onCancel(reason);
        await rest.return();
      },
    },
    { highWaterMark: EVENTS_AHEAD },
  );
}

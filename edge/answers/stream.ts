/** From an iteration to the body of an answer, and back pressure and disconnects the other way. */

const encoder = new TextEncoder();

/** Silence after which a comment says that the stream lives: below what proxies cut, from 30 s on. */
const KEEP_ALIVE_MS = 12_000;
const KEEP_ALIVE = encoder.encode(': keep-alive\n\n');

/**
 * A body of server-sent events that asks for the next text when its reader is ready for it. When the reader goes away, `left` is
 * called and the iteration is closed.
 */
export function streamOf(
  texts: AsyncGenerator<string>,
  left: () => void,
  keepAliveMs = KEEP_ALIVE_MS,
): ReadableStream<Uint8Array> {
  let pending: Promise<IteratorResult<string>> | undefined;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      pending ??= texts.next();
      const turn = await within(keepAliveMs, pending);
      if (turn === undefined) return controller.enqueue(KEEP_ALIVE);
      pending = undefined;
      if (turn.done) controller.close();
      else controller.enqueue(encoder.encode(turn.value));
    },
    async cancel() {
      // First the abort: a pending `next` would otherwise wait for the service's next event.
      left();
      await texts.return(undefined).catch(() => undefined);
    },
  });
}

/** The value, or undefined when it takes longer. */
async function within<Value>(ms: number, value: Promise<Value>): Promise<Value | undefined> {
  const { promise: silence, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), ms);
  try {
    return await Promise.race([value, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Lines as a body that its reader paces: nothing is taken from the job that the socket has not room for.
 */

/** Silence after which an empty line says that the connection lives: below what proxies cut, from 30 s on. */
const KEEP_ALIVE_MS = 10_000;
/** A reader who takes nothing for this long has gone away without saying so. */
const STALL_MS = 30_000;

const EMPTY_LINE = Uint8Array.of(0x0a);

export interface NdjsonOptions {
  /** Called when the reader goes away or the lines break off. */
  readonly onLeave: (reason: unknown) => void;
  /** Called when the reader has taken nothing for `stallMs`; to end the connection is the caller's. */
  readonly onStall: () => void;
  readonly onKeepAlive?: () => void;
  readonly keepAliveMs?: number;
  readonly stallMs?: number;
}

/** Streams `first`, then `rest`, each when it is asked for. */
export function ndjsonStream(
  first: Uint8Array,
  rest: AsyncGenerator<Uint8Array, void>,
  { onLeave, onStall, onKeepAlive, keepAliveMs = KEEP_ALIVE_MS, stallMs = STALL_MS }: NdjsonOptions,
): ReadableStream<Uint8Array> {
  let stalled: NodeJS.Timeout | undefined;
  let pending: Promise<IteratorResult<Uint8Array, void>> | undefined = Promise.resolve({ done: false, value: first });
  return new ReadableStream(
    {
      async pull(controller) {
        clearTimeout(stalled);
        try {
          pending ??= rest.next();
          const turn = await within(keepAliveMs, pending);
          if (turn === undefined) {
            controller.enqueue(EMPTY_LINE);
            onKeepAlive?.();
          } else {
            pending = undefined;
            if (turn.done) return controller.close();
            controller.enqueue(turn.value);
          }
          stalled = setTimeout(onStall, stallMs).unref();
        } catch (reason) {
          onLeave(reason);
          controller.error(reason);
        }
      },
      async cancel(reason) {
        clearTimeout(stalled);
        onLeave(reason);
        await rest.return();
      },
    },
    // Asked for when the socket has room, and not before: what lies between socket and job is nobody's to bound.
    { highWaterMark: 0 },
  );
}

/** The value, or undefined when it takes longer. */
async function within<T>(ms: number, value: Promise<T>): Promise<T | undefined> {
  const { promise: silence, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, ms, undefined);
  try {
    return await Promise.race([value, silence]);
  } finally {
    clearTimeout(timer);
  }
}

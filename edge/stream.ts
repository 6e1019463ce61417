/** From an iteration to the body of an answer, and back pressure and disconnects the other way. */

const encoder = new TextEncoder();

/**
 * A body that asks for the next text when its reader is ready for it. When the reader goes away, `left` is called and
 * the iteration is closed.
 */
export function streamOf(texts: AsyncGenerator<string>, left: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await texts.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      // First the abort: a pending `next` would otherwise wait for the service's next event.
      left();
      await texts.return(undefined).catch(() => undefined);
    },
  });
}

/**
 * Waits for the first value of an iteration and gives the whole iteration back.
 * What fails before the first value is thrown here, while an answer can still carry a status.
 */
export async function started<Value>(values: AsyncGenerator<Value>): Promise<AsyncGenerator<Value>> {
  const first = await values.next();
  async function* whole(): AsyncGenerator<Value> {
    if (first.done) return;
    try {
      yield first.value;
      yield* values;
    } finally {
      await values.return(undefined);
    }
  }
  return whole();
}

/**
 * Values that one side pushes and the other takes in order, at its own pace.
 */

export interface Channel<T> {
  push(value: T): void;
  /** No more values; those pushed before are still taken. */
  end(): void;
  /** No more values; once those pushed before are taken, taking throws `reason`. */
  fail(reason: unknown): void;
  /** Takes the values. One taker at a time. */
  values(): AsyncGenerator<T, void>;
}

export function createChannel<T>(): Channel<T> {
  const queue: T[] = [];
  let close: { readonly failed: boolean; readonly reason?: unknown } | undefined;
  let wake = () => {};
  const settle = (how: NonNullable<typeof close>) => {
    close ??= how;
    wake();
  };
  return {
    push(value) {
      queue.push(value);
      wake();
    },
    end: () => settle({ failed: false }),
    fail: (reason) => settle({ failed: true, reason }),
    async *values() {
      for (;;) {
        while (queue.length > 0) yield queue.shift()!;
        if (close?.failed) throw close.reason;
        if (close !== undefined) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

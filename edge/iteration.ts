/** Iterations that stand before others. They are no generators: each of those costs every value that passes some turns of the event loop. */

/** How an iteration ended: it was done, it threw, or its reader left it. */
export type Ending = { readonly how: 'done' | 'left' } | { readonly how: 'failed'; readonly error: unknown };

/** Passes an iteration on, and calls `over` once as it ends, however that is. */
export function ending<Value>(values: AsyncGenerator<Value>, over: (end: Ending) => void): AsyncGenerator<Value> {
  let ended = false;
  function end(how: Ending): void {
    if (ended) return;
    ended = true;
    over(how);
  }
  async function step(turn: Promise<IteratorResult<Value>>, last: 'done' | 'left'): Promise<IteratorResult<Value>> {
    try {
      const { done, value } = await turn;
      if (done) end({ how: last });
      return { done, value };
    } catch (error) {
      end({ how: 'failed', error });
      throw error;
    }
  }
  return iteration({
    next: () => step(values.next(), 'done'),
    return: (value) => step(values.return(value), 'left'),
    throw: (error) => step(values.throw(error), 'left'),
  });
}

/**
 * Waits for the first value of an iteration and gives the whole iteration back.
 * What fails before the first value is thrown here, while an answer can still carry a status.
 */
export async function started<Value>(values: AsyncGenerator<Value>): Promise<AsyncGenerator<Value>> {
  const first = await values.next();
  let given = false;
  return iteration({
    next() {
      if (given) return values.next();
      given = true;
      return Promise.resolve(first);
    },
    return(value) {
      given = true;
      return values.return(value);
    },
    throw: (error) => values.throw(error),
  });
}

function iteration<Value>(steps: Pick<AsyncGenerator<Value>, 'next' | 'return' | 'throw'>): AsyncGenerator<Value> {
  return {
    ...steps,
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await steps.return(undefined);
    },
  };
}

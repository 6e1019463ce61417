/**
 * Several generators as one, values in the order they come.
 */

/**
 * Runs generators side by side: each works on its next value while others are handed out.
 * Ends when all have ended; throws what one throws, after the others were told to end.
 */
export async function* merge<T>(generators: readonly AsyncGenerator<T, void>[]): AsyncGenerator<T, void> {
  type Turn = { readonly from: AsyncGenerator<T, void>; readonly result: IteratorResult<T, void> };
  const turns = new Map<AsyncGenerator<T, void>, Promise<Turn>>();
  const advance = (from: AsyncGenerator<T, void>) => {
    turns.set(
      from,
      from.next().then((result) => ({ from, result })),
    );
  };
  for (const generator of generators) advance(generator);
  try {
    while (turns.size > 0) {
      const { from, result } = await Promise.race(turns.values());
      if (result.done) {
        turns.delete(from);
        continue;
      }
      advance(from);
      yield result.value;
    }
  } finally {
    // What still runs ends on its own time: nobody waits for a step whose result nobody reads.
    for (const [generator, turn] of turns) {
      turn.catch(() => {});
      generator.return().catch(() => {});
    }
  }
}

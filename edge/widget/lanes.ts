/** The connection budget of a page: all its widgets together have few requests under way, the others wait their turn. */

/** A browser opens six connections to one host over HTTP/1.1, and the page may need some itself. */
const LANES = 2;

let free = LANES;
const waiting: (() => void)[] = [];

/**
 * Resolves when it is the caller's turn, first come, first served, to what ends the turn: to be called exactly once.
 * @throws the signal's reason, while it waits
 */
export async function takeLane(signal: AbortSignal): Promise<() => void> {
  if (free > 0) free--;
  else await turn(signal);
  return () => {
    const next = waiting.shift();
    // The lane is handed on, not given back: nobody who comes now may overtake.
    if (next) next();
    else free++;
  };
}

function turn(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    waiting.push(resolve);
    signal.addEventListener('abort', () => {
      const place = waiting.indexOf(resolve);
      if (place < 0) return;
      waiting.splice(place, 1);
      reject(signal.reason);
    });
  });
}

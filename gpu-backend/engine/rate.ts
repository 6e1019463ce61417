/**
 * How fast an engine works, learned from what it has done.
 */

export interface Rate {
  /** Work a second with all places taken. */
  readonly perSecond: number;
  /** The engine begins to work after it had nothing to do. */
  begin(): void;
  /** Work that has been done. `full`: whether all places are taken. */
  progress(work: number, full: boolean): void;
}

/** Seconds of work that make one sample: hundreds of steps of a small model, a few of a large one. */
const SAMPLE_S = 1;
// Weight of the newest sample in the moving average; the first ones weigh more, as in a plain average with the guess.
const NEWEST = 0.1;

/** @param guess work a second before any has been seen */
export function createRate(guess: number, now: () => number): Rate {
  let perSecond = guess;
  let samples = 0;
  let since = now();
  let work = 0;
  let fullSince = false;
  const restart = (full: boolean) => {
    since = now();
    work = 0;
    fullSince = full;
  };
  return {
    get perSecond() {
      return perSecond;
    },
    begin: () => restart(false),
    progress(done, full) {
      work += done;
      const seconds = (now() - since) / 1000;
      if (seconds < SAMPLE_S) return;
      const sample = work / seconds;
      // An engine with places to spare shows only that it can do at least so much: small batches are slower than full ones.
      if ((full && fullSince) || sample > perSecond) {
        samples++;
        perSecond += Math.max(NEWEST, 1 / (1 + samples)) * (sample - perSecond);
      }
      restart(full);
    },
  };
}

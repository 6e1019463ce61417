/** Runs of a preset with variants take turns with its seeds. */
import { remembered } from '../keys/remembered.ts';

/** Turns that an isolate remembers. One that is forgotten begins anywhere: each run is still one of the variants. */
const MOST = 5_000;
const turns = remembered<number>(MOST);

/** The next of the seeds 0, 1, ... below `variants`, for these runs: a visitor with other values does not take the turn of this one. */
export function nextSeed(runs: string, variants: number): number {
  const turn = turns.get(runs) ?? Math.floor(Math.random() * variants);
  turns.set(runs, turn + 1, Number.POSITIVE_INFINITY);
  return turn % variants;
}

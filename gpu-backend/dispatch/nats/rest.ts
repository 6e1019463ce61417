/**
 * A job whose reader is away or behind, seen from its gateway: after a short while the engine is told to free it at a checkpoint, and
 * once he wants more the job is put on the stream again, for any engine.
 */
import type { Gate } from '../../engine/reader.ts';

// A reader who is behind for less than this costs more to free than to wait for.
const REST_AFTER_MS = 2_000;

export interface RestOptions {
  readonly wants: Gate;
  readonly afterMs?: number;
  /** Tells the engines to free the job. */
  readonly rest: () => void;
  /** Puts the job on the stream again. @param turn how often that was done, this time included */
  readonly goOn: (turn: number) => void;
}

export interface RestKeeper {
  /** The engine says that the job of a turn is freed. */
  rested(turn: number): void;
  /** Events of the job came: whoever works on it has not heard that it should rest. */
  working(): void;
  close(): void;
}

export function keepRest({ wants, afterMs = REST_AFTER_MS, rest, goOn }: RestOptions): RestKeeper {
  let current = 0;
  let freed = false;
  let timer: NodeJS.Timeout | undefined;

  function onChange(open: boolean): void {
    clearTimeout(timer);
    timer = undefined;
    if (open) again();
    else ask();
  }

  /** Tells the engines, now and then, until the job is freed or wanted again: a message may be lost, or find the job in a queue. */
  function ask(): void {
    if (freed || wants.open) return;
    timer = setTimeout(() => {
      timer = undefined;
      rest();
    }, afterMs);
  }

  function again(): void {
    if (!freed) return;
    freed = false;
    goOn(++current);
  }

  const forget = wants.onChange(onChange);
  if (!wants.open) ask();
  return {
    rested(turnFreed) {
      if (turnFreed < current) return;
      current = turnFreed; // ahead of ours where another gateway had the job before
      freed = true;
      if (wants.open) again();
    },
    working() {
      if (timer === undefined) ask();
    },
    close() {
      clearTimeout(timer);
      forget();
    },
  };
}

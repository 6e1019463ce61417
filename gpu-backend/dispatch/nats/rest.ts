/**
 * A job whose reader is away or behind, seen from its gateway: the engine is told to free it at a checkpoint before its next step, and
 * once he wants more the job is put on the stream again, for any engine.
 */
import type { Gate } from '../../engine/reader.ts';

/** A message to the engines may be lost, or find the job in a queue: events that still come are answered by another one. */
const ASK_AGAIN_MS = 500;

export interface RestOptions {
  readonly wants: Gate;
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

export function keepRest({ wants, rest, goOn }: RestOptions): RestKeeper {
  let current = 0;
  let freed = false;
  let timer: NodeJS.Timeout | undefined;

  function onChange(open: boolean): void {
    clearTimeout(timer);
    timer = undefined;
    if (open) again();
    else ask();
  }

  function ask(): void {
    timer = undefined;
    if (!freed && !wants.open) rest();
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
      if (!wants.open) timer ??= setTimeout(ask, ASK_AGAIN_MS);
    },
    close() {
      clearTimeout(timer);
      forget();
    },
  };
}

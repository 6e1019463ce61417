/** Which step is shown: follows the steps as they arrive, at a pace an eye can follow, until somebody scrubs. */

/** The shortest time a frame is shown. */
const FRAME_MS = 90;
/** A text of many steps goes faster, so that all of it takes no longer than this. */
const WHOLE_MS = 2_500;

export interface Player {
  readonly shown: number;
  readonly playing: boolean;
  /** From a step on, to the last there is. */
  play(from: number): void;
  /** There may be more to show. */
  more(): void;
  /** Stays at a step. */
  show(step: number): void;
}

export interface PlayerOptions {
  /** The last step there is; undefined before the first frame. */
  readonly last: () => number | undefined;
  /** Steps that there may be in the end. */
  readonly total: () => number;
  /** Whether more may come. */
  readonly open: () => boolean;
  readonly changed: () => void;
}

export function createPlayer({ last, total, open, changed }: PlayerOptions): Player {
  let shown = 0;
  let playing = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
  const pace = () => Math.min(FRAME_MS, WHOLE_MS / Math.max(1, total()));

  function advance(): void {
    timer = undefined;
    const end = last();
    if (!playing || end === undefined) return;
    if (shown < end) {
      shown = still() ? end : shown + 1;
      // At the first frames the pace runs too: a step that is there already is not shown at once.
      timer = setTimeout(advance, pace());
    } else if (!open()) playing = false;
    changed();
  }

  return {
    get shown() {
      return shown;
    },
    get playing() {
      return playing;
    },
    play(from) {
      shown = from;
      playing = true;
      clearTimeout(timer);
      timer = setTimeout(advance, pace());
      changed();
    },
    more() {
      if (playing && timer === undefined) advance();
    },
    show(step) {
      clearTimeout(timer);
      timer = undefined;
      playing = false;
      shown = step;
      changed();
    },
  };
}

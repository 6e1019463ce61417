/** Frames of a generation in a terminal: from blurry to crisp, in place where the terminal can do that. */
import { type Frame, firstFrame, frameText, nextFrame } from '../../shared/contract/frames.ts';
import type { AcceptedEvent, StepEvent } from '../../shared/contract/stream.ts';

const MASK = '░';
/** Shortest time a frame is shown in place, so that an eye can follow. */
const FRAME_MS = 90;

const DIM = '\x1b[2m';
const NEW = '\x1b[32m';
const RESET = '\x1b[0m';

export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Drawing {
  accepted(event: AcceptedEvent): Promise<void>;
  step(event: StepEvent): Promise<void>;
  /** The text of the last frame. */
  text(): string;
}

/** Draws the frames of one text. On a terminal they replace each other, elsewhere each step is a line. */
export function drawing(screen: Screen, colours: boolean): Drawing {
  let frame: Frame = { step: 0, cells: [] };
  let steps = 0;
  let rows = 0;

  async function show(masksLeft: number, fresh: ReadonlySet<number>): Promise<void> {
    const label = `step ${String(frame.step).padStart(String(steps).length)}/${steps}`;
    if (screen.isTTY !== true) {
      screen.write(`${label}  ${frameText(frame, MASK).replaceAll('\n', '⏎')}\n`);
      return;
    }
    const width = Math.max(1, (screen.columns ?? 80) - 1);
    const lines = [`${label} · ${masksLeft} masked`.slice(0, width), ...wrap(frameText(frame, MASK), width)];
    const painted = [lines[0], ...(colours ? paint(frame, fresh, width) : lines.slice(1))];
    const up = rows === 0 ? '' : `\x1b[${rows}A`;
    screen.write(`${up}\r\x1b[J${painted.join('\n')}\n`);
    rows = lines.length;
    await new Promise((resolve) => setTimeout(resolve, FRAME_MS));
  }

  return {
    accepted(event) {
      frame = firstFrame(event);
      steps = event.steps;
      return show(event.positions - event.fixed.length, new Set());
    },
    step(event) {
      frame = nextFrame(frame, event);
      return show(event.masks_left, new Set(event.committed.map(({ position }) => position)));
    },
    text: () => frameText(frame, MASK),
  };
}

/** Lines of at most `width` characters, broken at any character: a frame is a picture, not prose. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => {
    const characters = [...line];
    const lines: string[] = [];
    for (let i = 0; i < Math.max(1, characters.length); i += width) lines.push(characters.slice(i, i + width).join(''));
    return lines;
  });
}

/** The same lines with colours: masks dim, what this step has set green. */
function paint(frame: Frame, fresh: ReadonlySet<number>, width: number): string[] {
  const colour = (position: number): string =>
    frame.cells[position] === undefined ? DIM : fresh.has(position) ? NEW : '';
  // Colour of each character: cells are decoded together, as one character may be spread over several tokens.
  const colours: string[] = [];
  for (let position = 0, before = 0; position < frame.cells.length; position++) {
    const until = [...frameText({ ...frame, cells: frame.cells.slice(0, position + 1) }, MASK)].length;
    for (; before < until; before++) colours[before] = colour(position);
  }
  const characters = [...frameText(frame, MASK)];
  const lines: string[] = [];
  let line = '';
  let column = 0;
  characters.forEach((character, i) => {
    if (character === '\n' || column === width) {
      lines.push(line);
      line = '';
      column = 0;
      if (character === '\n') return;
    }
    line += colours[i] ? `${colours[i]}${character}${RESET}` : character;
    column++;
  });
  return [...lines, line];
}

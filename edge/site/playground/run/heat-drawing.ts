/** Draws confidence over position (to the right) and step (downwards) into a canvas. */
import type { Cell, Row } from './history.ts';

/** Heights in CSS pixels. */
const HEIGHT = 400;
const HIGHEST_ROW = 14;
/** From this size of a cell on, what a step did is marked in it. */
const MARKED = 5;
const MARK = 10;

interface Extent {
  readonly positions: number;
  /** The most steps there may be. */
  readonly steps: number;
}

const rowHeight = (steps: number): number => Math.max(1, Math.min(HIGHEST_ROW, Math.floor(HEIGHT / (steps + 1))));

/** Height of the whole drawing: known before the first step, so that nothing moves below it. */
export const drawingSize = (steps: number): number => rowHeight(steps) * (steps + 1);

/** What a pointer is over. */
export function positionAt(
  canvas: HTMLCanvasElement,
  { offsetX, offsetY }: Pick<PointerEvent, 'offsetX' | 'offsetY'>,
  { positions, steps }: Extent,
): { step: number; position: number } {
  return {
    position: Math.floor((offsetX / canvas.clientWidth) * positions),
    step: Math.floor(offsetY / rowHeight(steps)),
  };
}

export interface Drawing extends Extent {
  readonly rows: readonly Row[];
  /** The step that is shown on the canvas above. */
  readonly shown: number;
}

export function drawHeatMap(canvas: HTMLCanvasElement, { rows, shown, positions, steps }: Drawing): void {
  const height = drawingSize(steps);
  canvas.style.height = `${height}px`;
  const [width, density] = [canvas.clientWidth, devicePixelRatio];
  canvas.width = width * density;
  canvas.height = height * density;
  const context = canvas.getContext('2d');
  if (context === null || width === 0) return;
  context.scale(density, density);
  const colours = coloursOf(canvas);
  const [cellWidth, cellHeight] = [width / positions, rowHeight(steps)];
  rows.forEach(({ cells, event }, step) => {
    cells.forEach((cell, position) => {
      const box = { x: position * cellWidth, y: step * cellHeight, width: cellWidth, height: cellHeight };
      paintCell(context, cell, box, colours);
      if (event !== undefined && cell.since === event.step) markCell(context, cell, box, colours);
    });
  });
  context.strokeStyle = colours.ink;
  context.lineWidth = 1.5;
  context.strokeRect(0.75, shown * cellHeight + 0.75, width - 1.5, Math.max(1, cellHeight - 1.5));
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

type Colours = Readonly<Record<'masked' | 'fixed' | 'kept' | 'ink' | 'paper' | 'bad', string>>;

function coloursOf(canvas: HTMLCanvasElement): Colours {
  const styles = getComputedStyle(canvas);
  const of = (name: string) => styles.getPropertyValue(name).trim();
  return {
    masked: of('--sunken'),
    fixed: of('--strong-line'),
    kept: of('--accent'),
    ink: of('--ink'),
    paper: of('--raised'),
    bad: of('--bad'),
  };
}

/** The faintest that can still be told from a mask. */
const FAINTEST = 0.15;

function paintCell(
  context: CanvasRenderingContext2D,
  cell: Cell,
  { x, y, width, height }: Box,
  colours: Colours,
): void {
  const gap = width > MARKED && height > MARKED ? 1 : 0;
  context.globalAlpha = cell.state === 'kept' ? FAINTEST + (1 - FAINTEST) * (cell.confidence ?? 0) : 1;
  context.fillStyle = colours[cell.state];
  context.fillRect(x, y, width - gap, height - gap);
  context.globalAlpha = 1;
}

/** A dot where a token was committed, a cross where one was taken back. */
function markCell(context: CanvasRenderingContext2D, cell: Cell, { x, y, width, height }: Box, colours: Colours): void {
  const [middleX, middleY] = [x + (width - 1) / 2, y + (height - 1) / 2];
  if (cell.takenBack) {
    const arm = Math.max(1, Math.min(width, height, MARK) / 2 - 1);
    context.strokeStyle = colours.bad;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(middleX - arm, middleY - arm);
    context.lineTo(middleX + arm, middleY + arm);
    context.moveTo(middleX + arm, middleY - arm);
    context.lineTo(middleX - arm, middleY + arm);
    context.stroke();
  } else if (cell.state === 'kept' && Math.min(width, height) > MARKED) {
    context.beginPath();
    context.arc(middleX, middleY, 2.5, 0, 2 * Math.PI);
    context.fillStyle = colours.ink;
    context.fill();
    context.lineWidth = 1;
    context.strokeStyle = colours.paper;
    context.stroke();
  }
}

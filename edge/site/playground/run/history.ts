/** A generation from step to step: what stands at each position, since when, and how sure the model was of it. */
import { type Frame, firstFrame, frameText, nextFrame } from '../../../../shared/contract/frames.ts';
import type { AcceptedEvent, StepEvent, TokenText } from '../../../../shared/contract/stream.ts';

export interface Cell {
  /** `fixed` stands from the start, `kept` was committed by a step. */
  readonly state: 'masked' | 'fixed' | 'kept';
  /** '' while it is masked, and of the end of the text. */
  readonly text: string;
  /** In hexadecimal, where the token is no whole text. */
  readonly bytes?: string;
  /** 0..1, of what was kept. */
  readonly confidence?: number;
  /** The step that committed it, or masked it again. */
  readonly since: number;
  /** It was taken back by that step: masked again, or replaced at once. */
  readonly takenBack?: boolean;
}

/** How the canvas stood after a step. */
export interface Row {
  readonly cells: readonly Cell[];
  readonly frame: Frame;
  readonly masks: number;
  /** None before the first step. */
  readonly event?: StepEvent;
}

const MASKED: Cell = { state: 'masked', text: '', since: 0 };

export function firstRow(accepted: AcceptedEvent): Row {
  const cells: Cell[] = new Array(accepted.positions).fill(MASKED);
  for (const { position, text, bytes } of accepted.fixed) cells[position] = { state: 'fixed', text, bytes, since: 0 };
  return { cells, frame: firstFrame(accepted), masks: accepted.positions - accepted.fixed.length };
}

export function nextRow(row: Row, event: StepEvent): Row {
  const cells = [...row.cells];
  const { step } = event;
  for (const position of event.remasked) cells[position] = { state: 'masked', text: '', since: step, takenBack: true };
  for (const { position, text, bytes, confidence } of event.committed) {
    const takenBack = cells[position].takenBack === true && cells[position].since === step;
    cells[position] = { state: 'kept', text, bytes, confidence, since: step, takenBack };
  }
  return { cells, frame: nextFrame(row.frame, event), masks: event.masks_left, event };
}

/** The text as it stood, masks as `░`. */
export const textOf = (row: Row): string => frameText(row.frame);

/** What a cell says, in words. */
export function cellInWords(cell: Cell): string {
  if (cell.state === 'masked') return cell.takenBack ? `masked again at step ${cell.since}` : 'masked';
  const token = tokenInWords(cell);
  if (cell.state === 'fixed') return `${token}, there from the start`;
  const how = cell.takenBack ? 'replaced' : 'committed';
  return `${token}, ${how} at step ${cell.since}, confidence ${percent(cell.confidence ?? 0)}`;
}

export function tokenInWords({ text, bytes }: Pick<TokenText, 'text' | 'bytes'>): string {
  if (bytes !== undefined) return `bytes ${bytes}`;
  return text === '' ? 'end of text' : `“${text}”`;
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

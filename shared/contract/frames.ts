/**
 * Rebuilds the frames of a generation from its events: what a terminal, a playground or a widget draws.
 */
import type { AcceptedEvent, StepEvent, TokenText } from './stream.ts';

/** One position of a frame: a token's bytes, or undefined while it is masked. */
export interface Frame {
  readonly step: number;
  readonly cells: readonly (Uint8Array | undefined)[];
}

const encoder = new TextEncoder();

/** The exact bytes of a token as an event gives them. */
export function tokenBytes(token: TokenText): Uint8Array {
  if (token.bytes === undefined) return encoder.encode(token.text);
  const bytes = new Uint8Array(token.bytes.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(token.bytes.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** The frame before the first step: fixed tokens stand, all else is masked. */
export function firstFrame(accepted: AcceptedEvent): Frame {
  const cells: (Uint8Array | undefined)[] = new Array(accepted.positions).fill(undefined);
  for (const token of accepted.fixed) cells[token.position] = tokenBytes(token);
  return { step: 0, cells };
}

/** The frame after a step: its re-masked positions emptied, its committed positions filled. */
export function nextFrame(frame: Frame, event: StepEvent): Frame {
  const cells = [...frame.cells];
  for (const position of event.remasked) cells[position] = undefined;
  for (const token of event.committed) cells[token.position] = tokenBytes(token);
  return { step: event.step, cells };
}

/**
 * The text of each position, undefined while it is masked. A character whose bytes lie in several tokens stands at the last of them;
 * what a masked position cuts off shows as U+FFFD.
 */
export function cellTexts(frame: Frame): (string | undefined)[] {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const { cells } = frame;
  return cells.map(
    (cell, i) => cell && decoder.decode(cell, { stream: i + 1 < cells.length && cells[i + 1] !== undefined }),
  );
}

/** The text of a frame; each masked position shows as `mask`. A frame without masks is the final text, byte for byte. */
export function frameText(frame: Frame, mask = '░'): string {
  return cellTexts(frame)
    .map((text) => text ?? mask)
    .join('');
}

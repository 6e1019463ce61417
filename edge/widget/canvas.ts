/** Draws the moments of a text: tokens as they will stand, masks as glyphs out of focus that take the room of what comes there. */
import type { Cells, Moment } from './play.ts';

/** Characters of a token nobody knows yet. */
const USUAL_WIDTH = 4;
/** Glyphs of about the same width, so that a mask is about as wide as a word of as many characters. */
const NOISE = 'eanosurc';

/** @param target its content is replaced */
export function createCanvas(target: HTMLElement): (moment: Moment) => void {
  let spans: readonly HTMLElement[] = [];
  let widths: number[] = [];

  return ({ cells, finished, step }) => {
    if (step === 0) {
      spans = cells.map(() => document.createElement('span'));
      widths = cells.map(() => USUAL_WIDTH);
      target.replaceChildren(...spans);
    }
    // Until the text is known its room can only be guessed: it may not push the page about then.
    target.classList.toggle('guess', !finished);
    shareRoom(cells, widths);
    spans.forEach((span, i) => {
      const text = cells[i] ?? finished?.[i] ?? noise(i, widths[i]);
      if (span.textContent !== text) span.textContent = text;
      span.part.value = cells[i] === undefined ? `mask${finished ? '' : ' noise'}` : 'token';
    });
  };
}

/** Gives each new token its width, at the cost of the masks beside it: what stands farther away need not move. */
function shareRoom(cells: Cells, widths: number[]): void {
  cells.forEach((text, i) => {
    if (!text || text.length === widths[i]) return;
    let over = text.length - widths[i];
    widths[i] = text.length;
    for (const by of [1, -1]) {
      for (let j = i + by; over !== 0 && j in cells && cells[j] === undefined; j += by) {
        const given = Math.min(over, widths[j] - 1);
        widths[j] -= given;
        over -= given;
      }
    }
  });
}

/** The same at each call, so that a mask does not flicker. A word, as most tokens are: with a space before it, but at the beginning. */
function noise(position: number, width: number): string {
  let text = '';
  for (let i = 0; i < width; i++) text += NOISE[(position * 5 + i * 3 + ((position * i) >> 1)) % NOISE.length];
  return position > 0 && width > 1 ? ` ${text.slice(1)}` : text;
}

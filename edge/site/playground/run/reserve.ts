/** Room for a text that is not there yet. */

/** Width of a character, in the size of its font, at the text's serif face (measured: 0.44 to 0.47). */
const CHARACTER_WIDTH = 0.47;

/** Makes an element as high as its text of `data-characters` characters will be. */
export function reserveText(element: HTMLElement): void {
  const { fontSize, lineHeight } = getComputedStyle(element);
  const width = Number(element.dataset.characters) * CHARACTER_WIDTH * Number.parseFloat(fontSize);
  const lines = Math.max(2, Math.ceil(width / Math.max(1, element.clientWidth)));
  element.style.minHeight = `${lines * Number.parseFloat(lineHeight)}px`;
}

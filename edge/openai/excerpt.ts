/** Which part of a text is the answer: all of it, or what stands between a prompt and a suffix. */

export interface Excerpt {
  /** What the text begins with and the answer leaves out. */
  readonly before: string;
  /** What it ends with. */
  readonly behind: string;
}

export const WHOLE: Excerpt = { before: '', behind: '' };

export function excerptOf(text: string, { before, behind }: Excerpt): string {
  return text.slice(before.length, text.length - behind.length);
}

/** Of a text that is not finished: behind its end there may be masks. */
export function excerptOfFrame(text: string, { before, behind }: Excerpt): string {
  const end = behind === '' ? text.length : text.lastIndexOf(behind);
  return text.slice(before.length, Math.max(end, before.length));
}

/**
 * Follows a text that grows at its end and says, piece by piece, by what the answer grew. What could be the beginning of `behind` is
 * held back until more of the text says that it is not; what is held back in the end is `behind`.
 */
export function growingExcerpt({ before, behind }: Excerpt): (piece: string) => string {
  let skip = before.length;
  let held = '';
  return (piece) => {
    const skipped = Math.min(skip, piece.length);
    skip -= skipped;
    held += piece.slice(skipped);
    const kept = overlap(held, behind);
    const free = held.slice(0, held.length - kept);
    held = held.slice(free.length);
    return free;
  };
}

/** Length of the longest end of `text` that is a beginning of `other`. */
function overlap(text: string, other: string): number {
  for (let size = Math.min(text.length, other.length); size > 0; size--) {
    if (text.endsWith(other.slice(0, size))) return size;
  }
  return 0;
}

/**
 * When two characters are the same letter in another case: one definition, for compiler and checker alike.
 *
 * A character's fold is the lower case of its upper case, each only where it is a single code point. Dotless i stays.
 */

let variants: Map<number, number[]> | undefined;

/** The fold of one code point. */
export function foldCodePoint(codePoint: number): number {
  if (codePoint < 0x80) return codePoint >= 0x41 && codePoint <= 0x5a ? codePoint + 0x20 : codePoint;
  if (codePoint === 0x131) return codePoint;
  const upper = single(String.fromCodePoint(codePoint).toUpperCase()) ?? codePoint;
  return single(String.fromCodePoint(upper).toLowerCase()) ?? upper;
}

function single(text: string): number | undefined {
  const codePoint = text.codePointAt(0) as number;
  return text.length === (codePoint > 0xffff ? 2 : 1) ? codePoint : undefined;
}

/** A text folded code point by code point; it keeps its number of characters. */
export function foldText(text: string): string {
  let folded = '';
  for (const character of text) folded += String.fromCodePoint(foldCodePoint(character.codePointAt(0) as number));
  return folded;
}

/** All code points with the same fold. */
export function caseVariants(codePoint: number): readonly number[] {
  if (variants === undefined) {
    variants = new Map();
    for (const [low, high] of CASED) {
      for (let c = low; c <= high; c++) {
        const fold = foldCodePoint(c);
        if (fold === c) continue;
        const list = variants.get(fold);
        if (list === undefined) variants.set(fold, [fold, c]);
        else list.push(c);
      }
    }
  }
  return variants.get(foldCodePoint(codePoint)) ?? [codePoint];
}

/** Blocks with cased letters: Latin to Cherokee supplement, Latin extended additional to letterlike, and so on. */
const CASED: readonly (readonly [number, number])[] = [
  [0x41, 0x58f],
  [0x10a0, 0x10ff],
  [0x13a0, 0x13ff],
  [0x1c80, 0x1cbf],
  [0x1d00, 0x218f],
  [0x24b0, 0x24ef],
  [0x2c00, 0x2dff],
  [0xa640, 0xa7ff],
  [0xab30, 0xabbf],
  [0xff21, 0xff5a],
  [0x10400, 0x105bf],
  [0x10c80, 0x10cff],
  [0x10d40, 0x10d9f],
  [0x118a0, 0x118df],
  [0x16e40, 0x16edf],
  [0x1e900, 0x1e94f],
];

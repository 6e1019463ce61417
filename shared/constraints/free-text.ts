/**
 * What stands where nothing is stated: free text. One line in a hole, paragraphs in a request without template.
 *
 * Free text holds a word, neither begins nor ends with white space, and separates by one space (whole texts: or one or
 * two line breaks). It has no control, private-use, unassigned-plane or invisible characters. Where words or
 * sentences are counted, each piece between separators holds a word character, so that every way to count words agrees.
 */
import { type Acceptance, ALWAYS, type Arc, NEVER, NO_ARCS, trim } from './automaton.ts';
import { classSource, complement, intersection, of, partition, union } from './code-points.ts';
import { holdsWord, WORD_CHARACTERS } from './units.ts';
import { overCodePoints, type TextMachine } from './utf8.ts';
import { WHITE_SPACE } from './white-space.ts';

/** Characters that never stand in free text (white space aside). U+200C and U+200D join letters and emoji: allowed. */
const HIDDEN = of(
  ...[0x00, 0x1f, 0x7f, 0x9f, 0xad, 0xad, 0x200b, 0x200b, 0x200e, 0x200f, 0x2028, 0x202e, 0x2060, 0x206f],
  ...[0xe000, 0xf8ff, 0xfdd0, 0xfdef, 0xfff0, 0xffff, 0x1fffe, 0x1ffff, 0x2fffe, 0x2ffff, 0x3fffe, 0x10ffff],
);
export const VISIBLE = complement(union(HIDDEN, WHITE_SPACE));

export interface FreeTextOptions {
  /** False: one line. True: line breaks, one or two in a row. */
  readonly lines: boolean;
  /** The empty text too. */
  readonly empty: boolean;
  /** Each piece between separators holds a word character. */
  readonly counted: boolean;
}

// States: at the start; then behind a visible character or a separator, with a word still missing or seen.
const EMPTY = 0;
const BARE = 1;
const BARE_GAP = 2;
const BARE_BREAK = 3;
const BARE_BREAKS = 4;
const WORDED = 5;
const GAP = 6;
const BREAK = 7;
const BREAKS = 8;

const made = new Map<string, TextMachine>();

/** The machine of free text. */
export function freeText(options: FreeTextOptions): TextMachine {
  const key = `${options.lines}${options.empty}${options.counted}`;
  let machine = made.get(key);
  if (machine === undefined) {
    machine = makeFreeText(options);
    made.set(key, machine);
  }
  return machine;
}

function makeFreeText({ lines, empty, counted }: FreeTextOptions): TextMachine {
  const wordy = intersection(VISIBLE, WORD_CHARACTERS);
  const { partition: classes, members } = partition([VISIBLE, wordy, of(0x20, 0x20), of(0x0a, 0x0a)]);
  const [visible, words, spaces, breaks] = members.map((list) => new Set(list));
  const next = (state: number, c: number): number => {
    if (words.has(c)) return WORDED;
    if (visible.has(c)) return state >= WORDED && (state === WORDED || !counted) ? WORDED : BARE;
    if (state === BARE && counted) return -1;
    if (spaces.has(c)) return state === WORDED ? GAP : state === BARE ? BARE_GAP : -1;
    if (!breaks.has(c) || !lines) return -1;
    if (state === WORDED || state === BREAK) return state === WORDED ? BREAK : BREAKS;
    if (state === BARE || state === BARE_BREAK) return state === BARE ? BARE_BREAK : BARE_BREAKS;
    return -1;
  };
  const arcs: (readonly Arc[])[] = [];
  const accepting: Acceptance[] = [];
  for (let state = EMPTY; state <= BREAKS; state++) {
    for (let c = 0; c < classes.classes; c++) {
      const to = next(state, c);
      arcs.push(to < 0 ? NO_ARCS : [{ to, guards: [], updates: [] }]);
    }
    accepting.push(state === WORDED || (state === EMPTY && empty) ? ALWAYS : NEVER);
  }
  const table = { start: EMPTY, classes: classes.classes, counters: [], arcs, accepting };
  return overCodePoints(trim(table), classes);
}

const hidden = new RegExp(`[${classSource(HIDDEN)}]`, 'u');

/** Why a value is not free text, undefined when it is: the checker's side of the definition. */
export function notFreeText(value: string, { lines, empty, counted }: FreeTextOptions): string | undefined {
  if (value === '') return empty ? undefined : 'it is empty';
  const pieces = value.split(lines ? / |\n{1,2}/u : / /u);
  if (pieces.includes('')) return 'white space stands at its edge or more than once in a row';
  if (!holdsWord(value)) return 'it holds no word';
  for (const piece of pieces) {
    if (/\s/u.test(piece) || hidden.test(piece)) return 'it holds a control character or other white space';
    if (counted && !holdsWord(piece)) return `'${piece}' stands alone without a word character`;
  }
  return undefined;
}

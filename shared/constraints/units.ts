/**
 * What a character, a word and a sentence is: one definition, for compiler and checker alike.
 *
 * - A character is a Unicode code point.
 * - A word is a maximal run of characters other than white space that holds at least one word character.
 * - A sentence is a stretch of text that holds at least one word. It ends with a run of characters other than white
 *   space whose last character, closing quotes and brackets aside, is one of . ! ? … 。 ！ ？; or with the text.
 *
 * Word characters are listed as ranges, not as a Unicode category, so that every engine and Unicode version agrees.
 */
import { type Acceptance, type Arc, type Counter, type Guard, trim, type Update } from './automaton.ts';
import { type CodePointSet, characters, classSource, complement, of, partition } from './code-points.ts';
import { minimise } from './minimise.ts';
import { overCodePoints, type TextMachine } from './utf8.ts';
import { WHITE_SPACE } from './white-space.ts';

/** Bounds of a length, both included; max is Infinity where none is stated. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

export type TextUnit = 'characters' | 'words' | 'sentences';
export const TEXT_UNITS: readonly TextUnit[] = ['characters', 'words', 'sentences'];

/** Not word characters: controls, white space, punctuation, symbols, emoji, private use. */
const OTHER_CHARACTERS = of(
  ...[0x00, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0xa9, 0xab, 0xb1, 0xb4, 0xb4, 0xb6, 0xb8, 0xbb, 0xbb],
  ...[0xbf, 0xbf, 0xd7, 0xd7, 0xf7, 0xf7, 0x1680, 0x1680, 0x2000, 0x206f, 0x20a0, 0x20ff, 0x2190, 0x2bff],
  ...[0x3000, 0x3004, 0x3008, 0x3020, 0xe000, 0xf8ff, 0xfe00, 0xfe1f, 0xfe30, 0xfe6f, 0xfeff, 0xfeff],
  ...[0xff00, 0xff0f, 0xff1a, 0xff20, 0xff3b, 0xff40, 0xff5b, 0xff65, 0xffe0, 0xffff],
  ...[0x1f000, 0x1fbef, 0x1fbfa, 0x1ffff, 0xe0000, 0x10ffff],
);
export const WORD_CHARACTERS: CodePointSet = complement(OTHER_CHARACTERS);
export const END_MARKS = '.!?…。！？';
export const CLOSERS = '"\')]}»”’›」』）';

const wordCharacter = new RegExp(`[${classSource(WORD_CHARACTERS)}]`, 'u');
const sentenceEnd = /[.!?…。！？][.!?…。！？"')\]}»”’›」』）]*$/u;

/** True when the text holds a word character. */
export function holdsWord(text: string): boolean {
  return wordCharacter.test(text);
}

/** Counts by string operations; the checker's side of the definition. */
export function measure(text: string, unit: TextUnit): number {
  if (unit === 'characters') return [...text].length;
  const runs = text.split(/\s+/u);
  if (unit === 'words') return runs.filter(holdsWord).length;
  let sentences = 0;
  let within = false;
  for (const run of runs) {
    if (!within && holdsWord(run)) {
      sentences++;
      within = true;
    }
    if (sentenceEnd.test(run)) within = false;
  }
  return sentences;
}

const WHITE = 1;
const WORDY = 2;
const MARK = 3;
const CLOSER = 4;

/** Where a text stands: within a sentence or not, within a run that holds a word or not, behind an end mark or not. */
interface Place {
  readonly sentence: boolean;
  readonly word: boolean;
  readonly ended: boolean;
}
const PLACES: readonly Place[] = [
  { sentence: false, word: false, ended: false },
  { sentence: true, word: true, ended: false },
  { sentence: true, word: false, ended: false },
  { sentence: true, word: true, ended: true },
  { sentence: true, word: false, ended: true },
];

function placeAfter(place: Place, kind: number): Place {
  if (kind === WHITE) return { sentence: place.sentence && !place.ended, word: false, ended: false };
  if (kind === WORDY) return { sentence: true, word: true, ended: false };
  if (!place.sentence) return place;
  if (kind === MARK) return { ...place, ended: true };
  return kind === CLOSER ? place : { ...place, ended: false };
}

const made = new Map<string, TextMachine>();

/** The machine of the texts whose lengths lie in the given bounds; one counter for each unit that is bounded. */
export function unitMachine(bounds: Readonly<Partial<Record<TextUnit, Range>>>): TextMachine {
  const key = JSON.stringify(TEXT_UNITS.map((unit) => [bounds[unit]?.min ?? 0, bounds[unit]?.max ?? -1]));
  let machine = made.get(key);
  if (machine === undefined) {
    machine = makeUnitMachine(bounds);
    if (made.size >= 256) made.clear();
    made.set(key, machine);
  }
  return machine;
}

function makeUnitMachine(bounds: Readonly<Partial<Record<TextUnit, Range>>>): TextMachine {
  const counters: Counter[] = [];
  const counterOf = new Map<TextUnit, number>();
  const accepted: Guard[] = [];
  for (const unit of TEXT_UNITS) {
    const range = bounds[unit];
    if (range === undefined || (range.min === 0 && range.max === Number.POSITIVE_INFINITY)) continue;
    const saturates = range.max === Number.POSITIVE_INFINITY;
    const max = saturates ? range.min : range.max;
    counterOf.set(unit, counters.length);
    accepted.push({ counter: counters.length, min: range.min, max });
    counters.push({ name: unit, max, saturates });
  }
  const sets = [WHITE_SPACE, WORD_CHARACTERS, characters(END_MARKS), characters(CLOSERS)];
  const finer = counterOf.has('words') || counterOf.has('sentences');
  const { partition: classes, members } = partition(finer ? sets : []);
  const kinds = new Uint8Array(classes.classes);
  members.forEach((list, kind) => {
    for (const c of list) kinds[c] = kind + 1;
  });
  const arcs: (readonly Arc[])[] = [];
  const accepting: Acceptance[] = [];
  for (const place of PLACES) {
    for (const kind of kinds) {
      const after = placeAfter(place, kind);
      const guards: Guard[] = [];
      const updates: Update[] = [];
      let open = true;
      const add = (unit: TextUnit) => {
        const counter = counterOf.get(unit);
        if (counter === undefined) return;
        const { max, saturates } = counters[counter];
        if (max === 0 && !saturates) open = false;
        else if (!saturates) guards.push({ counter, min: 0, max: max - 1 });
        if (max > 0) updates.push({ counter, operation: 'add', value: 1 });
      };
      add('characters');
      if (kind === WORDY && !place.word) add('words');
      if (kind === WORDY && !place.sentence) add('sentences');
      const to = PLACES.findIndex(
        (p) => p.sentence === after.sentence && p.word === after.word && p.ended === after.ended,
      );
      arcs.push(open ? [{ to, guards, updates }] : []);
    }
    accepting.push([accepted]);
  }
  const machine = trim({ start: 0, classes: classes.classes, counters, arcs, accepting });
  return overCodePoints(minimise(machine), classes);
}

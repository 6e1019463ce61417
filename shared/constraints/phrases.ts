/**
 * Phrases that must or must not appear: as machines, and looked for by string operations.
 */
import type { PhraseSpec } from '../contract/generation.ts';
import { problem } from '../contract/problem.ts';
import { ALWAYS, type Arc, fromTable, NEVER, NO_ARCS } from './automaton.ts';
import { caseVariants, foldText } from './case-folding.ts';
import { complement, normalise, of } from './code-points.ts';
import { compilePattern } from './determinise.ts';
import { createMemo } from './memo.ts';
import { choice, END, one, type Pattern, START, sequence } from './pattern.ts';
import { holdsWord, WORD_CHARACTERS } from './units.ts';
import { overCodePoints, type TextMachine } from './utf8.ts';

/** A phrase of `include` or a fact that must appear. */
export interface IncludePhrase {
  readonly pointer: string;
  readonly text: string;
  readonly caseSensitive: boolean;
  /** No word character may touch the phrase on either side. */
  readonly wholeWord: boolean;
}

/** Reads a phrase of a request. Throws invalid_request where it is not well-formed Unicode. */
export function readPhrase(spec: PhraseSpec, pointer: string): IncludePhrase {
  const { text, case_sensitive = true, whole_word = false } = typeof spec === 'string' ? { text: spec } : spec;
  if (!text.isWellFormed()) {
    throw problem('invalid_request', `The phrase at ${pointer} holds a lone surrogate.`, { pointer });
  }
  return { pointer, text, caseSensitive: case_sensitive, wholeWord: whole_word };
}

const NOT_WORD = one(complement(WORD_CHARACTERS));

function phrasePattern({ text, caseSensitive, wholeWord }: IncludePhrase): Pattern {
  const letters = [...text].map((character) => {
    const codePoint = character.codePointAt(0) as number;
    if (caseSensitive) return one(of(codePoint, codePoint));
    return one(normalise(caseVariants(codePoint).map((c) => [c, c])));
  });
  if (!wholeWord) return sequence(...letters);
  return sequence(choice(START, NOT_WORD), ...letters, choice(END, NOT_WORD));
}

/** The machine of the texts in which a phrase appears. */
export function includeMachine(phrase: IncludePhrase): TextMachine {
  const key = JSON.stringify([phrase.text, phrase.caseSensitive, phrase.wholeWord]);
  return includes.get(key, () => compilePattern(phrasePattern(phrase), phrase.pointer, { search: true }));
}

const includes = createMemo<TextMachine>(() => false);

/** The machine of the texts in which none of the phrases appears; `pointer` says where they are stated. */
export function excludeMachine(phrases: readonly IncludePhrase[], pointer = '/exclude'): TextMachine {
  const found = compilePattern(choice(...phrases.map(phrasePattern)), pointer, { search: true });
  const arcs: (readonly Arc[])[] = [];
  const always = (state: number) => found.accepting(state).some((guards) => guards.length === 0);
  // A phrase once found stays found; a phrase that only the end completes (whole words) may still go on.
  const absorbing = (state: number) => {
    for (let c = 0; c < found.classes; c++) if (found.arcs(state, c)[0]?.to !== state) return false;
    return always(state);
  };
  const dead = Array.from({ length: found.states }, (_, state) => absorbing(state));
  for (let state = 0; state < found.states; state++) {
    for (let c = 0; c < found.classes; c++) {
      const row = found.arcs(state, c);
      arcs.push(row.length === 0 || dead[row[0].to] ? NO_ARCS : row);
    }
  }
  const accepting = dead.map((_, state) => (always(state) ? NEVER : ALWAYS));
  const table = { start: found.start, classes: found.classes, counters: [], arcs, accepting };
  return overCodePoints(fromTable(table), found.partition);
}

/** True when the phrase stands in the text; `edges` false: what lies beyond the text is unknown and could be a word. */
export function holdsPhrase(
  text: string,
  phrase: IncludePhrase,
  edges: { start: boolean; end: boolean } = ENDS,
): boolean {
  const where = phrase.caseSensitive ? text : foldText(text);
  const what = phrase.caseSensitive ? phrase.text : foldText(phrase.text);
  for (let at = where.indexOf(what); at >= 0; at = where.indexOf(what, at + 1)) {
    if (!phrase.wholeWord) return true;
    const before = where.slice(0, at);
    const after = where.slice(at + what.length);
    const left = before === '' ? edges.start : !holdsWord([...before.slice(-2)].at(-1) as string);
    const right = after === '' ? edges.end : !holdsWord(String.fromCodePoint(after.codePointAt(0) as number));
    if (left && right) return true;
  }
  return false;
}

const ENDS = { start: true, end: true };

/** A lower bound on the characters of any text that holds all phrases: their sum less the most that neighbours can share. */
export function phraseCharacters(phrases: readonly IncludePhrase[]): number {
  const texts = [...new Set(phrases.map(({ text }) => foldText(text)))].map((text) => [...text]);
  const strings = texts.map((text) => text.join(''));
  const outer = texts.filter((_, i) => !strings.some((other, j) => j !== i && other.includes(strings[i])));
  if (outer.length === 0) return 0;
  const shared = outer.map((text, i) => Math.max(0, ...outer.map((other, j) => (i === j ? 0 : overlap(text, other)))));
  // n texts in a row have n - 1 seams: the smallest share is not used.
  return outer.reduce((sum, text, i) => sum + text.length - shared[i], 0) + Math.min(...shared);
}

/** Most characters at the end of a that are also the beginning of b. */
function overlap(a: readonly string[], b: readonly string[]): number {
  for (let size = Math.min(a.length, b.length) - 1; size > 0; size--) {
    let same = true;
    for (let i = 0; i < size && same; i++) same = a[a.length - size + i] === b[i];
    if (same) return size;
  }
  return 0;
}

/**
 * How many tokens a value usually takes, from what is stated about it: where layouts are drawn from before they widen to all
 * that is possible. In the corpus a word takes 1.35 tokens, a token 4.2 characters, a sentence 17 tokens.
 */
import type { Measures } from '../../shared/constraints/plan.ts';
import type { Range } from '../../shared/constraints/units.ts';
import type { TokenRange } from './layout.ts';

/** Fewest and most tokens that a unit usually takes. */
const TOKENS_PER_WORD = { least: 1.15, most: 1.5 };
const TOKENS_PER_CHARACTER = { least: 1 / 4.8, most: 1 / 3.6 };
const TOKENS_PER_SENTENCE = { least: 6, most: 24 };

/** A value of which no length is stated: a name, a reason, a short clause. */
const UNSTATED: TokenRange = { min: 2, max: 8 };
/** The same where the value ends the text and may run on. */
const UNSTATED_TAIL: TokenRange = { min: 4, max: 24 };

/** What is stated of a value. */
export interface Stated {
  readonly measures: Measures;
  readonly choices?: readonly string[];
  /** True where nothing but lengths is stated. */
  readonly free: boolean;
}

/**
 * The usual number of tokens of a value. `shortest`: tokens of the shortest value there is; `tail`: the value may end before
 * its last position; `count`: tokens of a text.
 */
export function typicalTokens(
  { measures: { text }, choices, free }: Stated,
  shortest: number,
  tail: boolean,
  count: (text: string) => number,
): TokenRange {
  const ranges: TokenRange[] = [];
  const put = (bounds: Range | undefined, tokens: { readonly least: number; readonly most: number }) => {
    if (bounds === undefined) return;
    const max = Number.isFinite(bounds.max) ? bounds.max : Math.max(bounds.min * 1.5, bounds.min + 12 / tokens.most);
    ranges.push({ min: Math.floor(bounds.min * tokens.least), max: Math.ceil(max * tokens.most) });
  };
  put(text.words, TOKENS_PER_WORD);
  put(text.characters, TOKENS_PER_CHARACTER);
  put(text.sentences, TOKENS_PER_SENTENCE);
  if (choices !== undefined) {
    const counts = choices.map(count);
    ranges.push({ min: Math.min(...counts), max: Math.max(...counts) });
  }
  if (ranges.length === 0) {
    if (free) return tail ? UNSTATED_TAIL : UNSTATED;
    // A regex or a schema: the shortest value is a form with its blanks empty; leave room to fill them.
    return { min: shortest, max: tail ? 3 * shortest + 16 : 2 * shortest + 2 };
  }
  const min = Math.max(...ranges.map((range) => range.min));
  return { min, max: Math.max(min, Math.min(...ranges.map((range) => range.max))) };
}

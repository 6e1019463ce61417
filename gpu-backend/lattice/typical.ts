/**
 * How many tokens a value usually takes, from what is stated about it: where layouts are drawn from before they widen to all
 * that is possible. Measured on the corpus: 1.35 tokens to a word, 4.2 characters to a token, 17 tokens to a sentence.
 */
import type { Measures } from '../../shared/constraints/plan.ts';
import type { TokenRange } from './layout.ts';

const TOKENS_PER_WORD = 1.35;
const TOKENS_PER_CHARACTER = 1 / 4.2;
const TOKENS_PER_SENTENCE = 17;
/** A text that may end before its last position gets more of them than it usually needs. */
const TAIL_ROOM = 1.3;

/** The usual range under `measures`; `unstated` where they say nothing. `tail`: the value may end before its last position. */
export function typicalTokens({ text }: Measures, unstated: TokenRange, tail: boolean): TokenRange {
  const ranges: TokenRange[] = [];
  const put = (bounds: { readonly min: number; readonly max: number } | undefined, tokens: number) => {
    if (bounds === undefined) return;
    const max = Number.isFinite(bounds.max) ? bounds.max : Math.max(bounds.min * 1.5, bounds.min + 12 / tokens);
    ranges.push({ min: Math.floor(bounds.min * tokens), max: Math.ceil(max * tokens * (tail ? TAIL_ROOM : 1)) });
  };
  put(text.words, TOKENS_PER_WORD);
  put(text.characters, TOKENS_PER_CHARACTER);
  put(text.sentences, TOKENS_PER_SENTENCE);
  if (ranges.length === 0) return unstated;
  const min = Math.max(...ranges.map((range) => range.min));
  return { min, max: Math.max(min, Math.min(...ranges.map((range) => range.max))) };
}

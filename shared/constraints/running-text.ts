/**
 * Text that goes on from what stands before it and that what stands behind it goes on from, as regular expressions: unlike free
 * text it may begin and end with white space and be indented. Its characters are those of free text, and tabs.
 */
import { classSource, intersection } from './code-points.ts';
import { VISIBLE } from './free-text.ts';
import { WORD_CHARACTERS } from './units.ts';

const any = `[ \\n\\t${classSource(VISIBLE)}]*`;

/** With a visible character. */
export const RUNNING_TEXT = `${any}[${classSource(VISIBLE)}]${any}`;

/** With a word. */
export const RUNNING_WORDS = `${any}[${classSource(intersection(VISIBLE, WORD_CHARACTERS))}]${any}`;

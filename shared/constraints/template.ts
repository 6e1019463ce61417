/**
 * Template text -> literals and holes.
 *
 * `{{name}}`, with bounds `{{name:words=1..3,chars=..20}}`, the value of a fact `{{fact:price}}`. Backslashes right
 * before `{{` are read in pairs: `\{{` is a literal `{{`, `\\{{name}}` a backslash and a hole. Of more than two braces in a
 * row the last two open the hole: `{{{name}}` is a brace and a hole. All else stands as it is.
 */
import type { Bounds, HoleSpec } from '../contract/generation.ts';
import { LIMITS } from '../contract/generation.ts';
import { type ProblemError, problem } from '../contract/problem.ts';

export type InlineBounds = Pick<HoleSpec, 'tokens' | 'characters' | 'words' | 'sentences'>;

export type TemplatePart =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'hole'; readonly name: string; readonly bounds: InlineBounds }
  | { readonly kind: 'fact'; readonly name: string };

const POINTER = '/template';
/** Of holes and of variables. */
export const NAME = /^[A-Za-z][A-Za-z0-9_]{0,31}$/;
const UNITS = {
  tokens: 'tokens',
  characters: 'characters',
  chars: 'characters',
  words: 'words',
  sentences: 'sentences',
} as const;

function invalid(template: string, at: number, what: string): ProblemError {
  const position = [...template.slice(0, at)].length;
  return problem('invalid_template', `The template, at character ${position}: ${what}`, { pointer: POINTER });
}

/** A template by its braces alone; literals are never empty nor adjacent. */
type Piece =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'braces'; readonly at: number; readonly inside: string };

function* pieces(template: string): Generator<Piece> {
  let text = '';
  let at = 0;
  for (;;) {
    let open = template.indexOf('{{', at);
    if (open < 0) break;
    let slashes = 0;
    while (open - slashes > at && template[open - slashes - 1] === '\\') slashes++;
    text += template.slice(at, open - slashes) + '\\'.repeat(slashes >> 1);
    if (slashes % 2 === 1) {
      text += '{{';
      at = open + 2;
      continue;
    }
    for (; template[open + 2] === '{'; open++) text += '{';
    const close = template.indexOf('}}', open);
    if (close < 0) throw invalid(template, open, "'{{' is never closed by '}}' (write '\\{{' for a literal '{{').");
    if (text !== '') yield { kind: 'literal', text };
    text = '';
    yield { kind: 'braces', at: open, inside: template.slice(open + 2, close) };
    at = close + 2;
  }
  text += template.slice(at);
  if (text !== '') yield { kind: 'literal', text };
}

/** Splits a template. Throws invalid_template with the character offset; literals are never empty nor adjacent. */
export function parseTemplate(template: string): TemplatePart[] {
  if (!template.isWellFormed()) {
    const at = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.exec(template)?.index ?? 0;
    throw invalid(template, at, 'a lone surrogate stands here; text must be well-formed Unicode.');
  }
  const parts: TemplatePart[] = [];
  const seen = new Set<string>();
  for (const piece of pieces(template)) {
    if (piece.kind === 'literal') {
      parts.push(piece);
      continue;
    }
    const { at, inside } = piece;
    const part = parseHole(template, at, inside);
    if (part.kind === 'hole') {
      if (seen.has(part.name)) throw invalid(template, at, `the hole '${part.name}' stands twice; names are unique.`);
      seen.add(part.name);
      if (seen.size > LIMITS.holes) throw invalid(template, at, `a template has at most ${LIMITS.holes} holes.`);
    }
    parts.push(part);
  }
  return parts;
}

/** What stands between the braces of a variable of a preset. */
const VARIABLE = /^\s*var\s*:\s*([A-Za-z][A-Za-z0-9_]{0,31})\s*$/;

/**
 * A template with the values of its variables, `{{var:name}}`, as literal text: whatever a value holds, it opens no hole and names no fact.
 * @param valueFor the text in place of a variable
 */
export function fillTemplate(template: string, valueFor: (name: string) => string): string {
  let filled = '';
  let text = '';
  for (const piece of pieces(template)) {
    const name = piece.kind === 'braces' ? VARIABLE.exec(piece.inside)?.[1] : undefined;
    if (piece.kind === 'literal') text += piece.text;
    else if (name !== undefined) text += valueFor(name);
    else {
      // Escaped only when all of it is there: a value's brace could belong to one of the template.
      filled += `${escapeTemplate(text, { beforeHole: true })}{{${piece.inside}}}`;
      text = '';
    }
  }
  return filled + escapeTemplate(text, { beforeHole: false });
}

/**
 * Text as a template that stands for exactly this text.
 * @param beforeHole whether a hole follows directly, to which a brace or a backslash at the end could seem to belong
 */
export function escapeTemplate(text: string, { beforeHole }: { readonly beforeHole: boolean }): string {
  return text.replaceAll(/(\\*)(\{+|$)/g, (found: string, slashes: string, braces: string, at: number) => {
    const touchesHole = beforeHole && at + found.length === text.length;
    if (braces.length < 2 && !touchesHole) return found;
    return slashes.repeat(2) + '\\{{'.repeat(braces.length >> 1) + '{'.repeat(braces.length % 2);
  });
}

function parseHole(template: string, at: number, inside: string): TemplatePart {
  const colon = inside.indexOf(':');
  const name = (colon < 0 ? inside : inside.slice(0, colon)).trim();
  const rest = colon < 0 ? undefined : inside.slice(colon + 1).trim();
  if (!NAME.test(name)) {
    const given = name.length > 40 ? `${name.slice(0, 40)}…` : name;
    throw invalid(template, at, `'${given}' is not a name: a letter, then at most 31 letters, digits or underscores.`);
  }
  if (name === 'fact' && rest !== undefined) return { kind: 'fact', name: rest };
  const bounds: Record<string, Bounds> = {};
  for (const option of rest === undefined ? [] : rest.split(',')) {
    const match = /^\s*([a-z]+)\s*=\s*(\d*)(\.\.)?(\d*)\s*$/.exec(option);
    const unit = match === null ? undefined : UNITS[match[1] as keyof typeof UNITS];
    if (match === null || unit === undefined || (match[2] === '' && match[4] === '')) {
      throw invalid(
        template,
        at,
        `'${option.slice(0, 40)}' is not a bound: write words=3, words=1..3, chars=10.. or tokens=..4 (units: tokens, characters or chars, words, sentences).`,
      );
    }
    if (Object.hasOwn(bounds, unit)) throw invalid(template, at, `${unit} is bounded twice.`);
    const numbers = [match[2], match[4]].map((digits) => (digits === '' ? undefined : Number(digits)));
    if (numbers.some((value) => value !== undefined && value > LIMITS.lengthBound)) {
      throw invalid(template, at, `a bound is at most ${LIMITS.lengthBound}.`);
    }
    const [low, high] = numbers;
    bounds[unit] = match[3] === undefined ? { exact: low } : { min: low, max: high };
  }
  return { kind: 'hole', name, bounds };
}

/**
 * Where a saved request has variables, and the request that their values make of it. They may stand in what a text is about and in
 * what must be said: never in a regular expression, a schema or the name of anything, where a value would be more than data.
 */
import { fillTemplate } from '../../shared/constraints/template.ts';
import type { SavedRequest } from '../../shared/contract/preset.ts';
import { problem } from '../../shared/contract/problem.ts';

/** Pointers of the strings that may have variables, the template aside. */
const ALLOWED = new RegExp(
  [
    '^/(prompt|facts/[^/]+|(include|exclude)/\\d+(/text)?|(holes/[^/]+/)?choices/\\d+',
    'holes/[^/]+/exclude/\\d+(/text)?)$',
  ].join('|'),
);
const VARIABLES = /\{\{\s*var\s*:\s*([A-Za-z][A-Za-z0-9_]{0,31})\s*\}\}/g;
/** What looks like a variable, whether it is one or not. */
const ATTEMPT = /\{\{\s*var\s*:/;

type ValueFor = (name: string, pointer: string) => string;

/**
 * The request with the values of its variables. Each is put in as it is, once: what looks like a variable in a value is text.
 * @throws ProblemError `invalid_request` for a variable where none may be, with its pointer in the request
 */
export function fill(request: SavedRequest, valueFor: ValueFor): SavedRequest {
  return filled(request, '', valueFor) as SavedRequest;
}

/** The names of its variables, each with the first place where it stands. */
export function variablesOf(request: SavedRequest): ReadonlyMap<string, string> {
  const places = new Map<string, string>();
  fill(request, (name, pointer) => {
    if (!places.has(name)) places.set(name, pointer);
    return '';
  });
  return places;
}

function filled(value: unknown, pointer: string, valueFor: ValueFor): unknown {
  if (typeof value === 'string') return filledText(value, pointer, valueFor);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item, index) => filled(item, `${pointer}/${index}`, valueFor));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const inner = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      if (ATTEMPT.test(name)) throw misplaced(inner);
      return [name, filled(member, inner, valueFor)];
    }),
  );
}

function filledText(text: string, pointer: string, valueFor: ValueFor): string {
  if (!ATTEMPT.test(text)) return text;
  const put = (name: string) => valueFor(name, pointer);
  // What is no variable there is a hole called "var", an escaped brace, or refused with the template.
  if (pointer === '/template') return fillTemplate(text, put);
  if (!ALLOWED.test(pointer)) throw misplaced(pointer);
  if (!ATTEMPT.test(text.replaceAll(VARIABLES, ''))) return text.replaceAll(VARIABLES, (_, name: string) => put(name));
  const detail = `The field ${pointer} has something like a variable that is none; it is written {{var:name}}, name a letter, then at most 31 letters, digits or underscores.`;
  throw problem('invalid_request', detail, { pointer });
}

function misplaced(pointer: string) {
  const where = 'prompt, template, include, exclude, facts and choices';
  return problem('invalid_request', `The field ${pointer} cannot have variables; they may stand in ${where}.`, {
    pointer,
  });
}

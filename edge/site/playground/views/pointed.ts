/** What a JSON Pointer is about, in the words of the form. */
import type { TextRequest } from '../../../../shared/client/client.ts';
import type { LengthSpec, PhraseSpec } from '../../../../shared/contract/generation.ts';
import { lengthRow } from '../request/from-request.ts';
import { lengthInWords } from './lists.ts';

const NAMES: Readonly<Record<string, string>> = {
  length: 'Length',
  include: 'Must appear',
  exclude: 'Must not appear',
  holes: 'Hole',
  facts: 'Fact',
  regex: 'Pattern',
  json_schema: 'JSON Schema',
  diffusion: 'Denoising',
};

/** 'Length: at most 20 characters' for '/length/0'. */
export function pointedInWords(request: TextRequest, pointer: string): string {
  const [field, ...path] = pointer
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const name = NAMES[field] ?? `${field.slice(0, 1).toUpperCase()}${field.slice(1).replaceAll('_', ' ')}`;
  const of = detail(request, field, path);
  return of === '' ? name : `${name}: ${of}`;
}

function detail(request: TextRequest, field: string, path: readonly string[]): string {
  const value = [field, ...path].reduce<unknown>(
    (of, key) => (of as Record<string, unknown> | undefined)?.[key],
    request,
  );
  if (value === undefined || path.length === 0) return '';
  if (field === 'length') return lengthInWords(lengthRow(value as LengthSpec));
  if (field === 'include' || field === 'exclude') {
    const phrase = value as PhraseSpec;
    return `“${typeof phrase === 'string' ? phrase : phrase.text}”`;
  }
  return field === 'facts' ? `“${value}”` : path.join(', ').replaceAll('_', ' ');
}

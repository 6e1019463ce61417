import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  escapeTemplate,
  fillTemplate,
  parseTemplate,
  type TemplatePart,
} from '../../../shared/constraints/template.ts';

const text = fc.oneof(
  fc
    .array(fc.constantFrom('{', '{{', '}', '}}', '\\', 'a', 'é', '\n'), { maxLength: 12 })
    .map((parts) => parts.join('')),
  fc.string({ unit: 'grapheme' }),
);

it('whatever text stands around a hole comes back byte for byte once it is escaped', () => {
  fc.assert(
    fc.property(text, text, (before, behind) => {
      const template = `${escapeTemplate(before, { beforeHole: true })}{{x}}${escapeTemplate(behind, { beforeHole: false })}`;
      const literal = (part: string) => (part === '' ? [] : [{ kind: 'literal', text: part }]);
      expect(parseTemplate(template)).toEqual([
        ...literal(before),
        { kind: 'hole', name: 'x', bounds: {} },
        ...literal(behind),
      ]);
    }),
    { numRuns: 2_000 },
  );
});

/** What a template may consist of: text as it is written there, holes, facts, and variables between them. */
const written = fc.constantFrom('{', '}', '\\{{', '\\\\', 'a', '{{var:v}}', '{{ var : w }}', '{{fact:f}}', 'HOLE');

function parses(template: string): boolean {
  try {
    return parseTemplate(template).length >= 0;
  } catch {
    return false;
  }
}

/** The parts of a template whose variables are literal text of their own. */
function partsWith(parts: readonly string[], values: Readonly<Record<string, string>>): TemplatePart[] {
  const merged: TemplatePart[] = [];
  const put = (text: string) => {
    const last = merged.at(-1);
    if (last?.kind === 'literal') merged[merged.length - 1] = { kind: 'literal', text: last.text + text };
    else if (text !== '') merged.push({ kind: 'literal', text });
  };
  for (const part of parseTemplate(parts.join('').replaceAll(/\{\{ ?var ?: ?(\w) ?\}\}/g, '{{fact:var $1}}'))) {
    if (part.kind === 'literal') put(part.text);
    else if (part.kind === 'fact' && part.name.startsWith('var ')) put(values[part.name.slice(4)]);
    else merged.push(part);
  }
  return merged;
}

it('whatever values its variables have, a filled template has the holes and facts it had, and the values as text', () => {
  fc.assert(
    fc.property(fc.array(written, { maxLength: 8 }), text, text, (all, v, w) => {
      const parts = all.map((part, i) => (part === 'HOLE' ? `{{h${i}:words=1..2}}` : part));
      fc.pre(parses(parts.join('').replaceAll('var', 'fact')));
      const filled = fillTemplate(parts.join(''), (name) => ({ v, w })[name] ?? '');
      expect(parseTemplate(filled)).toEqual(partsWith(parts, { v, w }));
    }),
    { numRuns: 3_000 },
  );
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { escapeTemplate, parseTemplate } from '../../../shared/constraints/template.ts';

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

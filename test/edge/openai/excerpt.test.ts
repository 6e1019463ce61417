import fc from 'fast-check';
import { expect, it } from 'vitest';
import { excerptOf, growingExcerpt } from '../../../edge/openai/excerpt.ts';

const text = fc.array(fc.constantFrom('a', 'b', 'ab', '😀', ' '), { maxLength: 8 }).map((parts) => parts.join(''));

it('what a stream says of the middle of a text is the middle, never more of it than is certain', () => {
  fc.assert(
    fc.property(text, text, text, fc.array(fc.nat(5), { maxLength: 12 }), (before, middle, behind, sizes) => {
      const grow = growingExcerpt({ before, behind });
      const whole = before + middle + behind;
      let at = 0;
      let said = '';
      for (const size of [...sizes, whole.length]) {
        said += grow(whole.slice(at, at + size));
        at += size;
        expect(middle.startsWith(said)).toBe(true);
      }
      expect(said).toBe(middle);
      expect(excerptOf(whole, { before, behind })).toBe(middle);
    }),
    { numRuns: 2_000 },
  );
});

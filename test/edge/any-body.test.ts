import fc from 'fast-check';
import { expect, it } from 'vitest';
import { generationSchema } from '../../shared/contract/generation.ts';
import { edge } from './upstream.ts';

/** Values of a field: mostly of its kind, sensible or not, sometimes anything. */
function field<Value>(...likely: Value[]) {
  return fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom<unknown>(...likely) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  );
}

const bounds = field({ max: 3 }, { min: 2 }, { exact: 2 }, { min: 3, max: 2 }, { exact: 0 }, {});
const length = fc.record(
  { unit: field('words', 'characters', 'sentences', 'tokens'), max: field(3, 12, 40), min: field(0, 2, 14) },
  { requiredKeys: ['unit'] },
);
const hole = fc.record(
  {
    words: bounds,
    characters: bounds,
    tokens: bounds,
    regex: field('[a-z]{2,5}', '(a', 'x|yy'),
    choices: field(['x', 'y z'], []),
  },
  { requiredKeys: [] },
);
const phrase = field<unknown>(
  'now',
  'a',
  '',
  { text: 'Sale', case_sensitive: false },
  { text: 'on', whole_word: true },
);

const request = fc.record(
  {
    prompt: field('a blanket', ''),
    template: field(
      '{{a}}',
      '{{a}}, {{b}}.',
      'x {{a:words=1..2}} now',
      '{{',
      '{{fact:price}} {{a}}',
      '{{a}} {{a}}',
      '',
    ),
    holes: fc.dictionary(fc.constantFrom('a', 'b', 'constructor'), hole, { maxKeys: 2 }),
    length: fc.oneof(length, fc.array(length, { maxLength: 2 })),
    include: fc.array(phrase, { maxLength: 2 }),
    exclude: fc.array(phrase, { maxLength: 2 }),
    regex: field('[a-z ]{2,9}', 'a.*b', '(', '(?=a)b', '\\d+ x'),
    choices: field(['yes', 'no'], ['x', 'x'], []),
    facts: field<unknown>({ price: 9.5 }, { name: 'Ada' }, {}),
    style: field<unknown>('slogan', { name: 'slogan', strength: 1 }, 'noir'),
    n: field(1, 2, 0),
    temperature: field(0, 1, 3),
    diffusion: field<unknown>({ steps: 4 }, { sampler: 'threshold', threshold: 0.5 }, { block: 0 }),
    stream: field<unknown>(false, 'text', 'steps', true),
    max_tokens: field(4),
  },
  { requiredKeys: [] },
);

/** A request with few fields, or any JSON at all. */
const body = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .tuple(request, fc.subarray(Object.keys(generationSchema.entries), { minLength: 1, maxLength: 4 }))
      .map(([all, kept]) => Object.fromEntries(Object.entries(all).filter(([key]) => kept.includes(key)))),
  },
  { weight: 1, arbitrary: request },
  { weight: 1, arbitrary: fc.jsonValue() },
);

it('whatever the body, the answer is a text or a stated refusal, and refusals do not reach the backend', async () => {
  const { ask, generations } = await edge();
  await fc.assert(
    fc.asyncProperty(body, async (body) => {
      const before = generations();
      const response = await ask(JSON.stringify(body));
      const text = await response.text();
      if (response.status === 200) return;
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.status).toBeLessThan(500);
      const { code, detail, pointer } = JSON.parse(text) as { code: string; detail: string; pointer?: string };
      expect(code).toMatch(/^[a-z_]+$/);
      expect(detail.length).toBeLessThan(1_000);
      // A pointer leads into the body, or to a field that is missing there.
      expect(pointer ?? '').toMatch(/^$|^\//);
      expect(generations()).toBe(before);
    }),
    { numRuns: 400, interruptAfterTimeLimit: 15_000 },
  );
});

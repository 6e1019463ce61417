import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { KINDS, randomRequest, seeded } from '../../../bench/random-requests.ts';
import { checkText } from '../../../gpu-backend/check.ts';
import { createPreparer } from '../../../gpu-backend/lattice/prepare.ts';
import { makeTokenizer } from '../../../gpu-backend/model/tokenizer.ts';
import type { GenerationRequest } from '../../../shared/contract/generation.ts';
import { ProblemError } from '../../../shared/contract/problem.ts';

const folder = fileURLToPath(new URL('../../../models/default/', import.meta.url));
const tokenizer = makeTokenizer(JSON.parse(readFileSync(`${folder}tokenizer.json`, 'utf8')));
const EOS = 1;
const CONTEXT = 240;
const preparer = createPreparer(tokenizer, EOS);

/** Rows as a bad model might give them: random, one-sided, all zero, not numbers. */
function badRows(random: () => number, positions: Int32Array) {
  const probabilities = new Float32Array(positions.length * tokenizer.size);
  const mood = random();
  for (let i = 0; i < probabilities.length; i++) {
    if (mood < 0.6) probabilities[i] = random() ** 8;
    else if (mood < 0.8) probabilities[i] = random() < 0.001 ? 1 : 0;
    else probabilities[i] = random() < 0.5 ? Number.NaN : 0;
  }
  return { positions, vocabulary: tokenizer.size, probabilities };
}

/** Denoises with bad rows, keeping random subsets and masking some again; undefined when the request was refused. */
function write(request: GenerationRequest, random: () => number) {
  let constraint: ReturnType<typeof preparer.prepare>;
  try {
    constraint = preparer.prepare(request, CONTEXT, () => Math.max(1e-9, random()));
  } catch (error) {
    if (error instanceof ProblemError) return undefined;
    throw error;
  }
  const canvas = Int32Array.from(constraint.fixed);
  for (let step = 0; canvas.includes(-1); step++) {
    const open = Int32Array.from([...canvas.keys()].filter((position) => canvas[position] < 0));
    const draw = { temperature: random() < 0.3 ? 0 : 1, random: () => Math.max(1e-9, random()) };
    const { tokens } = constraint.propose(canvas, badRows(random, open), draw);
    open.forEach((position, i) => {
      if (step > 8 || random() < 0.4) canvas[position] = tokens[i];
    });
    if (step < 3) {
      constraint.fixed.forEach((token, position) => {
        if (token < 0 && random() < 0.1) canvas[position] = -1;
      });
    }
  }
  const { text, holeTokens } = constraint.finish(canvas);
  const whole = canvas.reduce((count, token) => (token === EOS ? count : count + 1), 0);
  return { text, verdict: checkText({ ...request, model: 'm', seed: 1 }, text, { whole, holes: holeTokens }) };
}

describe('the constraint of a request, under rows of the worst kind', () => {
  it.each(KINDS)('%s: every text is accepted by the independent checker', (kind) => {
    const random = seeded(KINDS.indexOf(kind) + 1);
    let texts = 0;
    for (let i = 0; i < 12; i++) {
      const request = randomRequest(kind, random);
      const written = write(request, random);
      if (written === undefined) continue;
      texts++;
      expect(written.verdict.failed, `${JSON.stringify(request)} -> ${JSON.stringify(written.text)}`).toEqual([]);
    }
    expect(texts).toBeGreaterThan(5);
  });

  it.each<[string, GenerationRequest]>([
    ['literals around holes', { template: '¿{{a:words=1}}?\n“{{b:chars=5..9}}” {{c}}!' }],
    ['a hole of no characters', { template: 'a{{x:chars=0}}b' }],
    ['only literals', { template: 'no holes here' }],
    [
      'characters that no token holds whole',
      { template: '{{x}}', holes: { x: { regex: '[\u{1F600}-\u{1F603}]{2}ỳ+' } } },
    ],
    ['right-to-left text', { choices: ['שלום עולם', 'مرحبا'] }],
    ['whole words beside holes', { template: '{{a:words=3..6}}.', include: [{ text: 'oak', whole_word: true }] }],
    [
      'eight phrases',
      { prompt: 'x', length: { unit: 'tokens', max: 60 }, include: ['ab', 'cd', 'ef', 'gh', 'ij', 'kl', 'mn', 'op'] },
    ],
    [
      'exact characters and words',
      {
        prompt: 'x',
        length: [
          { unit: 'characters', exact: 40 },
          { unit: 'words', exact: 7 },
        ],
      },
    ],
    ['exact tokens', { template: 'A {{x:tokens=3}} B {{y}}', length: { unit: 'tokens', exact: 12 } }],
    [
      'a schema in a few tokens',
      { json_schema: { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] } },
    ],
  ])('%s', (_, request) => {
    const random = seeded(77);
    for (let i = 0; i < 4; i++) {
      const written = write(request, random);
      expect(written?.verdict.failed, JSON.stringify(written?.text)).toEqual([]);
    }
  });

  it('draws another layout for another seed, the same for the same', () => {
    const request = { template: 'Dear {{name}}, thank you for {{reason}}.' };
    const layout = (seed: number) => [...preparer.prepare(request, CONTEXT, seeded(seed)).fixed].join(',');
    expect(layout(3)).toBe(layout(3));
    expect(new Set(Array.from({ length: 12 }, (_, seed) => layout(seed))).size).toBeGreaterThan(1);
  });

  it('refuses a hole with more tokens than there is room for', () => {
    expect(() => preparer.prepare({ template: '{{a:tokens=900}}' }, CONTEXT, seeded(1))).toThrow(ProblemError);
  });
});

/** What options weigh is the sum over all their spellings, as the lattice of the same choices has it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { optionLogs } from '../../../gpu-backend/lattice/options.ts';
import { createPreparer } from '../../../gpu-backend/lattice/prepare.ts';
import { buildVocabulary } from '../../../gpu-backend/lattice/vocabulary.ts';

const EOS = 0;
const WORDS = ['', 'a', 'b', 'ab', 'ba', 'aba', 'abab'];
const utf8 = new TextEncoder();
const bytes = WORDS.map((word) => utf8.encode(word));
const vocabulary = buildVocabulary(bytes, EOS);
/** Greedy: the longest token first. */
const encode = (text: string): Int32Array => {
  const ids: number[] = [];
  for (let i = 0; i < text.length; ) {
    const token = WORDS.reduce(
      (best, word, id) => (word.length > WORDS[best].length && text.startsWith(word, i) ? id : best),
      0,
    );
    ids.push(token);
    i += WORDS[token].length;
  }
  return Int32Array.from(ids);
};

function rowsOf(positions: number, weights: readonly number[]) {
  const probabilities = new Float32Array(positions * WORDS.length);
  for (let row = 0; row < positions; row++) {
    const own = WORDS.map((_, token) => 0.01 + weights[(row * WORDS.length + token) % weights.length]);
    const sum = own.reduce((a, b) => a + b);
    own.forEach((weight, token) => {
      probabilities[row * WORDS.length + token] = weight / sum;
    });
  }
  return { positions: Int32Array.from({ length: positions }, (_, i) => i), vocabulary: WORDS.length, probabilities };
}

/** The sum over every sequence of tokens, by trying them all. */
function byHand(option: string, rows: ReturnType<typeof rowsOf>): number {
  const walk = (row: number, rest: string): number => {
    const share = (token: number) => rows.probabilities[row * WORDS.length + token];
    if (row === rows.positions.length) return rest === '' ? 1 : 0;
    if (rest === '') return share(EOS) * walk(row + 1, '');
    return WORDS.reduce(
      (sum, word, token) =>
        token !== EOS && rest.startsWith(word) ? sum + share(token) * walk(row + 1, rest.slice(word.length)) : sum,
      0,
    );
  };
  return walk(0, option);
}

const option = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 6 });
const options = fc.uniqueArray(option, { minLength: 2, maxLength: 5 });
const weights = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 40 });

describe('what an option weighs', () => {
  it('is the sum over every way to spell it, with the end of the text behind it', () => {
    fc.assert(
      fc.property(options, weights, (choices, values) => {
        const positions = Math.max(...choices.map((choice) => encode(choice).length));
        const rows = rowsOf(positions, values);
        const logs = optionLogs(rows, choices, vocabulary);
        logs.forEach((log, i) => {
          expect(log).toBeCloseTo(Math.log(byHand(choices[i], rows)), 6);
        });
      }),
    );
  });

  it('gives the probabilities that the lattice of these choices gives, where all of them fit there', () => {
    const preparer = createPreparer({ size: WORDS.length, encode, tokenBytes: (id) => bytes[id] }, EOS);
    fc.assert(
      fc.property(options, weights, (choices, values) => {
        const constraint = preparer.prepare({ choices }, 64, () => 0.5);
        const canvas = Int32Array.from(constraint.fixed);
        const rows = rowsOf(constraint.positions - 1, values);
        const expected = constraint.choiceProbabilities(canvas, rows).text;
        const logs = optionLogs(rows, choices, vocabulary);
        const sum = logs.reduce((total, log) => total + Math.exp(log), 0);
        logs.forEach((log, i) => {
          expect(Math.exp(log) / sum).toBeCloseTo(expected[i].probability, 5);
        });
      }),
      { numRuns: 50 },
    );
  });

  it('is never nothing, however sure the model is of something else', () => {
    const rows = rowsOf(2, [1]);
    rows.probabilities.fill(0);
    for (const log of optionLogs(rows, ['ab', 'ba'], vocabulary)) expect(log).toBeGreaterThan(Number.NEGATIVE_INFINITY);
  });
});

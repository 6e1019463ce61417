import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MASKED } from '../../../gpu-backend/denoise/constraint.ts';
import { uniforms } from '../../../gpu-backend/denoise/random.ts';
import type { TextTokens } from '../../../gpu-backend/denoise/text-tokens.ts';
import { unconstrained } from '../../../gpu-backend/denoise/unconstrained.ts';

// Vocabulary: 0 a special, 1 EOS, 2 'a', 3 'b'.
const EOS = 1;
const tokens: TextTokens = {
  eos: EOS,
  allowed: Uint8Array.of(0, 0, 1, 1),
  bytes: (token) => (token < 2 ? new Uint8Array(0) : Uint8Array.of(95 + token)),
};
const V = 4;

function rowsOf(canvas: Int32Array, table: readonly (readonly number[])[]) {
  const positions = Int32Array.from([...canvas.keys()].filter((i) => canvas[i] === MASKED));
  return { positions, vocabulary: V, probabilities: Float32Array.from([...positions].flatMap((i) => table[i])) };
}

/** All fillings with an EOS tail that agree with the canvas, with their probabilities: the law, written out. */
function enumerate(canvas: Int32Array, table: readonly (readonly number[])[]): { filling: number[]; p: number }[] {
  let fillings: { filling: number[]; p: number }[] = [{ filling: [], p: 1 }];
  for (let i = 0; i < canvas.length; i++) {
    fillings = fillings.flatMap(({ filling, p }) =>
      [EOS, 2, 3]
        .filter((token) => (canvas[i] === MASKED || canvas[i] === token) && !(filling.at(-1) === EOS && token !== EOS))
        .map((token) => ({ filling: [...filling, token], p: canvas[i] === MASKED ? p * table[i][token] : p })),
    );
  }
  const sum = fillings.reduce((total, { p }) => total + p, 0);
  return fillings.map(({ filling, p }) => ({ filling, p: p / sum }));
}

const table = [
  [0.3, 0.2, 0.4, 0.1],
  [0.0, 0.5, 0.25, 0.25],
  [0.1, 0.3, 0.1, 0.5],
  [0.0, 0.6, 0.3, 0.1],
];

const CANVASES: readonly (readonly number[])[] = [
  [-1, -1, -1, -1],
  [-1, 2, -1, -1],
  [-1, -1, EOS, EOS],
  [3, -1, -1, EOS],
  [-1, -1, -1, 2],
  [2, EOS, EOS, EOS],
];

describe('unconstrained', () => {
  it.each(CANVASES)('draws whole texts by their exact probability from %j %j %j %j (chi-square, 99.9%)', (...cells) => {
    const canvas = Int32Array.from(cells);
    const constraint = unconstrained(4, tokens);
    const law = enumerate(canvas, table);
    const counts = new Map(law.map(({ filling }) => [filling.join(), 0]));
    const draws = 20_000;
    for (let step = 1; step <= draws; step++) {
      const random = uniforms(5, 0, step, 'proposal');
      const proposal = constraint.propose(canvas, rowsOf(canvas, table), { temperature: 1, random });
      const filled = canvas.slice();
      proposal.positions.forEach((position, r) => {
        filled[position] = proposal.tokens[r];
      });
      const key = filled.join();
      expect(counts.has(key)).toBe(true);
      counts.set(key, counts.get(key)! + 1);
    }
    const chi = law.reduce(
      (sum, { filling, p }) => sum + (counts.get(filling.join())! - draws * p) ** 2 / (draws * p),
      0,
    );
    const degrees = Math.max(law.length - 1, 1);
    expect(chi).toBeLessThan(degrees * (1 - 2 / (9 * degrees) + 3.09 * Math.sqrt(2 / (9 * degrees))) ** 3);
  });

  it.each(CANVASES)('gives each token its exact marginal as confidence, from %j %j %j %j', (...cells) => {
    const canvas = Int32Array.from(cells);
    const law = enumerate(canvas, table);
    for (const temperature of [0, 1]) {
      const random = uniforms(1, 0, 1, 'proposal');
      const proposal = unconstrained(4, tokens).propose(canvas, rowsOf(canvas, table), { temperature, random });
      proposal.positions.forEach((position, r) => {
        const marginal = law.reduce(
          (sum, { filling, p }) => sum + (filling[position] === proposal.tokens[r] ? p : 0),
          0,
        );
        expect(proposal.confidence[r]).toBeCloseTo(marginal, 6);
      });
    }
  });

  it('proposes the likeliest whole text at temperature 0', () => {
    const probability = fc.double({ min: 0.01, max: 1, noNaN: true });
    const row = fc.tuple(fc.constant(0), probability, probability, probability);
    fc.assert(
      fc.property(fc.array(row, { minLength: 4, maxLength: 4 }), fc.constantFrom(...CANVASES), (rows, cells) => {
        const canvas = Int32Array.from(cells);
        const single = rows.map((r) => r.map(Math.fround));
        const proposal = unconstrained(4, tokens).propose(canvas, rowsOf(canvas, single), {
          temperature: 0,
          random: () => Number.NaN,
        });
        const filled = canvas.slice();
        proposal.positions.forEach((position, r) => {
          filled[position] = proposal.tokens[r];
        });
        const law = enumerate(canvas, single);
        const best = Math.max(...law.map(({ p }) => p));
        expect(law.find(({ filling }) => filling.join() === filled.join())!.p).toBeCloseTo(best, 9);
      }),
      { numRuns: 200 },
    );
  });

  it('breaks ties towards the lowest id', () => {
    const canvas = Int32Array.of(MASKED);
    const proposal = unconstrained(1, tokens).propose(canvas, rowsOf(canvas, [[0, 0.2, 0.4, 0.4]]), {
      temperature: 0,
      random: () => Number.NaN,
    });
    expect([...proposal.tokens]).toEqual([2]);
  });

  it('stays possible from any subset of any proposal, even when rows are not numbers', () => {
    const cell = fc.constantFrom(0, 0.5, 1e-40, Number.NaN);
    const rows = fc.array(fc.tuple(cell, cell, cell, cell), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(
        rows,
        fc.array(fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), { minLength: 4, maxLength: 4 }),
        fc.nat(),
        (wild, keeps, seed) => {
          const constraint = unconstrained(6, tokens);
          const canvas = new Int32Array(6).fill(MASKED);
          for (const [step, keep] of [...keeps, new Array(6).fill(true)].entries()) {
            if (!canvas.includes(MASKED)) break;
            const random = uniforms(seed, 0, step + 1, 'proposal');
            const proposal = constraint.propose(canvas, rowsOf(canvas, wild), { temperature: 1, random });
            proposal.positions.forEach((position, r) => {
              expect(proposal.confidence[r] >= 0 && proposal.confidence[r] <= 1).toBe(true);
              if (keep[position]) canvas[position] = proposal.tokens[r];
            });
          }
          const end = canvas.indexOf(EOS);
          canvas.forEach((token, i) => {
            expect(token === EOS ? i >= end : token >= 2 && (end < 0 || i < end)).toBe(true);
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('finishes to the text before the tail', () => {
    expect(unconstrained(4, tokens).finish(Int32Array.of(2, 3, EOS, EOS))).toEqual({
      text: 'ab',
      holes: {},
      holeTokens: {},
    });
    expect(unconstrained(2, tokens).finish(Int32Array.of(2, 2))).toEqual({ text: 'aa', holes: {}, holeTokens: {} });
  });
});

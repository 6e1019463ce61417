import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seeded, type Uniform } from '../../../bench/random-requests.ts';
import { MEASURES } from '../../../gpu-backend/lattice/meter.ts';
import { createProposer } from '../../../gpu-backend/lattice/propose.ts';
import { acceptsCanvas, enumerate, type RandomCase, randomCase } from './random-case.ts';

const all = (positions: number) => Int32Array.from({ length: positions }, (_, i) => i);

function randomRows(random: Uniform, positions: Int32Array, vocabulary: number) {
  const probabilities = new Float32Array(positions.length * vocabulary);
  for (let row = 0; row < positions.length; row++) {
    let total = 0;
    for (let v = 0; v < vocabulary; v++) {
      const weight = random() < 0.1 ? 0 : Math.exp((random() - 0.5) * (random() < 0.2 ? 60 : 6));
      probabilities[row * vocabulary + v] = weight;
      total += weight;
    }
    for (let v = 0; v < vocabulary; v++) probabilities[row * vocabulary + v] /= total || 1;
  }
  return { positions, vocabulary, probabilities };
}

/** Rows that no model should give: NaN, infinities, all zero, all on one token. */
function hostileRows(random: Uniform, positions: Int32Array, vocabulary: number) {
  const rows = randomRows(random, positions, vocabulary);
  for (let i = 0; i < rows.probabilities.length; i++) {
    const dice = random();
    if (dice < 0.25) rows.probabilities[i] = Number.NaN;
    else if (dice < 0.35) rows.probabilities[i] = Number.POSITIVE_INFINITY;
    else if (dice < 0.75) rows.probabilities[i] = 0;
  }
  return rows;
}

/** Probability of a whole text under rows of all positions. */
const weightUnder = (rows: ReturnType<typeof randomRows>) => (text: number[]) =>
  text.reduce((product, token, i) => product * rows.probabilities[i * rows.vocabulary + token], 1);

/** Runs `each` on random cases; fast-check names the seed of one that fails. */
function forCases(runs: number, most: number, each: (test: RandomCase, random: Uniform) => void): void {
  fc.assert(
    fc.property(fc.noBias(fc.nat(2 ** 31 - 1)), (seed) => {
      const random = seeded(seed);
      const test = randomCase(random, most);
      if (test !== undefined) each(test, random);
    }),
    { numRuns: runs, seed: 20_261_124 },
  );
}

const masked = (positions: number) => new Int32Array(positions).fill(-1);
const drawFrom = (random: Uniform, temperature: number) => ({ temperature, random: () => Math.max(1e-12, random()) });

describe('the lattice against enumeration', () => {
  it('agrees on what can be finished, on the total, every marginal and the best text', () => {
    let compared = 0;
    const compare = (test: RandomCase, random: Uniform) => {
      const canvas = masked(test.positions);
      const texts = enumerate(test, canvas);
      const proposer = createProposer(test.lattice);
      expect(proposer.feasible(canvas)).toBe(texts.length > 0);
      if (texts.length === 0) return;
      const rows = randomRows(random, all(test.positions), test.vocabulary.size);
      const p = (position: number, token: number) => rows.probabilities[position * test.vocabulary.size + token];
      const weight = (text: number[]) => text.reduce((product, token, i) => product * p(i, token), 1);
      const total = texts.reduce((sum, text) => sum + weight(text), 0);
      if (total < 1e-60) return;
      compared++;
      expect(proposer.logTotal(canvas, rows)).toBeCloseTo(Math.log(total), 9);
      const drawn = proposer.propose(canvas, rows, drawFrom(random, 1));
      expect(acceptsCanvas(test, drawn.tokens)).toBe(true);
      for (let i = 0; i < test.positions; i++) {
        const through = texts
          .filter((text) => text[i] === drawn.tokens[i])
          .reduce((sum, text) => sum + weight(text), 0);
        expect(Math.abs(drawn.confidence[i] - through / total)).toBeLessThan(1e-9);
      }
      const best = proposer.propose(canvas, rows, drawFrom(random, 0));
      const greatest = texts.reduce((top, text) => Math.max(top, weight(text)), 0);
      expect(acceptsCanvas(test, best.tokens)).toBe(true);
      expect(weight([...best.tokens]) / greatest).toBeGreaterThan(1 - 1e-9);
    };
    forCases(5_000, 5, compare);
    // Few of the longest: there are up to 5^8 canvases to enumerate.
    forCases(40, 8, compare);
    expect(compared).toBeGreaterThan(500);
  });

  it('measures the exact margin and entropy of every position', () => {
    let compared = 0;
    forCases(5_000, 5, (test, random) => {
      const canvas = masked(test.positions);
      const texts = enumerate(test, canvas);
      if (texts.length === 0) return;
      const rows = randomRows(random, all(test.positions), test.vocabulary.size);
      const weight = weightUnder(rows);
      const total = texts.reduce((sum, text) => sum + weight(text), 0);
      if (total < 1e-60) return;
      const proposer = createProposer(test.lattice);
      const measured = Object.fromEntries(
        MEASURES.map((measure) => [measure, proposer.propose(canvas, rows, { ...drawFrom(random, 1), measure })]),
      );
      for (let i = 0; i < test.positions; i++) {
        const share = new Map<number, number>();
        for (const text of texts) share.set(text[i], (share.get(text[i]) ?? 0) + weight(text) / total);
        const [first, second = 0] = [...share.values()].sort((a, b) => b - a);
        const entropy = [...share.values()].reduce((sum, q) => (q > 0 ? sum - q * Math.log(q) : sum), 0);
        expect(Math.abs(measured.margin.certainty![i] - (first - second))).toBeLessThan(1e-9);
        expect(Math.abs(measured.entropy.certainty![i] + entropy)).toBeLessThan(1e-9);
        compared++;
      }
    });
    expect(compared).toBeGreaterThan(1_500);
  });

  it('gives every value of a hole its exact probability', () => {
    let compared = 0;
    forCases(1_500, 5, (test, random) => {
      const canvas = masked(test.positions);
      const texts = enumerate(test, canvas);
      if (texts.length === 0) return;
      const rows = randomRows(random, all(test.positions), test.vocabulary.size);
      const weight = weightUnder(rows);
      const total = texts.reduce((sum, text) => sum + weight(text), 0);
      if (total < 1e-60) return;
      const proposer = createProposer(test.lattice);
      for (const [h, hole] of test.lattice.holes.entries()) {
        const byValue = new Map<string, number>();
        for (const text of texts) {
          const bytes = text
            .slice(hole.first, hole.first + hole.length)
            .flatMap((id) => [...test.vocabulary.bytes[id]]);
          byValue.set(bytes.join(','), (byValue.get(bytes.join(',')) ?? 0) + weight(text));
        }
        const choices = [...byValue.keys()].map((key) => Uint8Array.from(key === '' ? [] : key.split(',').map(Number)));
        const found = proposer.choiceProbabilities(canvas, rows, h, choices, test.vocabulary);
        [...byValue.values()].forEach((value, i) => {
          expect(Math.abs(found[i] - value / total)).toBeLessThan(1e-9);
        });
        compared += choices.length;
      }
    });
    expect(compared).toBeGreaterThan(2_000);
  });

  it('draws texts in proportion to their probability (chi-square)', () => {
    let tested = 0;
    forCases(1_000, 4, (test, random) => {
      const canvas = masked(test.positions);
      const texts = enumerate(test, canvas);
      if (texts.length < 2 || texts.length > 30) return;
      const rows = randomRows(random, all(test.positions), test.vocabulary.size);
      const weights = texts.map((text) =>
        text.reduce((product, token, i) => product * rows.probabilities[i * test.vocabulary.size + token], 1),
      );
      const total = weights.reduce((a, b) => a + b, 0);
      if (!(total > 1e-30)) return;
      const proposer = createProposer(test.lattice);
      const draws = 400;
      const counts = new Map<string, number>();
      for (let i = 0; i < draws; i++) {
        const key = [...proposer.propose(canvas, rows, drawFrom(random, 1)).tokens].join(',');
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      let statistic = 0;
      let degrees = -1;
      let rest = 0;
      let restSeen = 0;
      texts.forEach((text, i) => {
        const expected = (weights[i] / total) * draws;
        const seen = counts.get(text.join(',')) ?? 0;
        if (expected < 5) {
          rest += expected;
          restSeen += seen;
          return;
        }
        statistic += (seen - expected) ** 2 / expected;
        degrees++;
      });
      if (rest >= 1) {
        statistic += (restSeen - rest) ** 2 / rest;
        degrees++;
      }
      if (degrees < 1) return;
      tested++;
      // Six standard deviations above the mean of the distribution: one false alarm in far more runs than there are.
      expect(statistic).toBeLessThan(degrees + 6 * Math.sqrt(2 * degrees) + 12);
    });
    expect(tested).toBeGreaterThan(40);
  });

  it('ends in an accepted text for any commits, re-masking and any later rows, hostile ones included', () => {
    let finished = 0;
    forCases(6_000, 8, (test, random) => {
      const byMoments = random() < 0.5;
      const proposer = byMoments ? createProposer(test.lattice, 0) : createProposer(test.lattice);
      const canvas = masked(test.positions);
      if (!proposer.feasible(canvas)) return;
      for (let step = 0; canvas.includes(-1); step++) {
        const open = all(test.positions).filter((i) => canvas[i] < 0);
        const rows = (random() < 0.5 ? hostileRows : randomRows)(random, open, test.vocabulary.size);
        const { tokens, confidence } = proposer.propose(canvas, rows, drawFrom(random, random() < 0.3 ? 0 : 1));
        for (const i of open) {
          expect(confidence[i]).toBeGreaterThanOrEqual(0);
          expect(confidence[i]).toBeLessThanOrEqual(1);
        }
        const keep = open.filter(() => random() < 0.5);
        for (const i of keep.length > 0 ? keep : open.subarray(0, 1)) canvas[i] = tokens[i];
        if (step < 6 && random() < 0.4) {
          const back = all(test.positions).filter((i) => canvas[i] >= 0 && random() < 0.3);
          for (const i of back) canvas[i] = -1;
        }
      }
      expect(acceptsCanvas(test, canvas)).toBe(true);
      finished++;
    });
    expect(finished).toBeGreaterThan(700);
  });
});

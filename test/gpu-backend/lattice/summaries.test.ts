/** Rows reduced on a device against whole rows: the sums, the masses, the law of the draws, the measures. On the CPU, by the same graph. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { summaryOf } from '../../../gpu-backend/engine/reduced-batch.ts';
import { BLOCK_TOKENS, classTable } from '../../../gpu-backend/lattice/class-table.ts';
import { classMasses, type TokenClasses } from '../../../gpu-backend/lattice/masses.ts';
import { MEASURES, meter } from '../../../gpu-backend/lattice/meter.ts';
import { meterClass, shareOf } from '../../../gpu-backend/lattice/rows.ts';
import { drawFromSummary, type RowSummary, summaryMasses } from '../../../gpu-backend/lattice/summaries.ts';
import type { EvaluationInput } from '../../../gpu-backend/model/evaluation.ts';
import { type Reduced, type Reduction, SEARCHED_BLOCKS, TOP_TOKENS } from '../../../gpu-backend/model/reduction.ts';
import { type ModelSession, openSession } from '../../../gpu-backend/model/session.ts';
import { lladaConfig, randomNumbers, writeRandomModel } from '../model/random-model.ts';

const VOCABULARY = 3000;
const MASK = 0;
const EOS = 1;
const WATCHED = Int32Array.of(EOS, 17, 2999);
const ROWS = 9;

let folder: string;
let session: ModelSession;
let probabilities: Float32Array;
let reduction: Reduction;
let reduced: Reduced;

/** A lift's classes: class 0 for the specials, `sizes` for the others in turn. */
function classesOf(classOf: Int32Array): TokenClasses {
  const classes = Math.max(...classOf) + 1;
  const tokens = Array.from({ length: classes }, (_, k) => [...classOf.keys()].filter((token) => classOf[token] === k));
  const classStart = Int32Array.from({ length: classes + 1 }, (_, k) => tokens.slice(0, k).flat().length);
  return { classes, classOf, classStart, classTokens: Int32Array.from(tokens.flat()) };
}

const special = (token: number) => token < 8;
/** Few large classes and many small ones; and one class of everything. */
const LIFTS = [
  classesOf(
    Int32Array.from({ length: VOCABULARY }, (_, token) => {
      if (special(token)) return 0;
      return token % 10 < 7 ? 1 + (token % 3) : 4 + (token % 40);
    }),
  ),
  classesOf(Int32Array.from({ length: VOCABULARY }, (_, token) => (special(token) ? 0 : 1))),
];

const row = (r: number) => probabilities.subarray(r * VOCABULARY, (r + 1) * VOCABULARY);
const liftOf = (r: number) => LIFTS[reduction.tableOfRow[r]];
const summary = (r: number): RowSummary => summaryOf(reduced, reduction, classTable(liftOf(r), MASK), r, WATCHED);
const whole = (r: number) => ({ positions: Int32Array.of(0), vocabulary: VOCABULARY, probabilities: row(r) });
const kept = (r: number) => ({ ...whole(r), probabilities: new Float32Array(0), summaries: [summary(r)] });
const tokensOf = ({ classStart, classTokens }: TokenClasses, k: number) => [
  ...classTokens.subarray(classStart[k], classStart[k + 1]),
];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskwright-reduced-'));
  await writeRandomModel(folder, lladaConfig({ vocab_size: VOCABULARY, embedding_size: VOCABULARY }), 9);
  const common = { device: 'cpu', precision: 'float32', threads: 1, cacheFolder: join(folder, 'cache') } as const;
  session = await openSession(folder, { ...common, forbidden: [2, 3, 4, 5, 6, 7], reduced: true });
  const random = randomNumbers(5);
  const length = 24;
  const input: EvaluationInput = {
    batch: 1,
    length,
    ids: Int32Array.from({ length }, () => Math.floor(random() * VOCABULARY)),
    lengths: Int32Array.of(length),
    rows: Int32Array.from({ length: ROWS }, (_, i) => 2 * i),
    // From flat to peaked: the last rows have nearly all of their mass in the likeliest tokens.
    inverseTemperature: Float32Array.from({ length: ROWS }, (_, i) => 0.3 * 1.6 ** i),
  };
  probabilities = await session.evaluate(input);
  reduction = {
    block: BLOCK_TOKENS,
    tables: LIFTS.map((lift) => classTable(lift, MASK).order),
    tableOfRow: Int32Array.from({ length: ROWS }, (_, i) => i % LIFTS.length),
    watched: WATCHED,
    entropies: true,
  };
  reduced = await session.reducer!.reduce(input, reduction);
});
afterAll(async () => {
  await session.release();
  await rm(folder, { recursive: true });
});

describe.each(Array.from({ length: ROWS }, (_, r) => [r]))('row %i, kept on the device', (r) => {
  it('has the class masses, the likeliest token of each class and the end of the whole row', () => {
    const expected = classMasses(row(r), 0, liftOf(r), EOS, true);
    const given = summaryMasses(summary(r), liftOf(r), EOS, true);
    expect(given.bestToken).toEqual(expected.bestToken);
    expect(given.best).toEqual(expected.best);
    expect(given.end).toBe(expected.end);
    for (let k = 1; k < liftOf(r).classes; k++) expect(given.mass[k] / expected.mass[k]).toBeCloseTo(1, 5);
  });

  it('knows the likeliest and the watched tokens by their own probability, others by their share of the rest', () => {
    const descending = [...row(r).keys()].sort((a, b) => row(r)[b] - row(r)[a]);
    // Of tokens that no state allows, which have no block, nothing is known.
    const likeliest = descending.filter((token) => liftOf(r).classOf[token] > 0).slice(0, SEARCHED_BLOCKS);
    for (const token of [...likeliest, ...WATCHED]) expect(shareOf(kept(r), 0, token)).toBe(row(r)[token]);
    const sum = tokensOf(liftOf(r), 1).reduce((total, token) => total + shareOf(kept(r), 0, token), 0);
    expect(sum).toBeCloseTo(classMasses(row(r), 0, liftOf(r), EOS, false).mass[1], 5);
  });

  it('draws the tokens of a class by their probability, as far as they are known', () => {
    const DRAWS = 20_000; // evenly spaced, so that a count is a probability but for one draw at each border
    const lift = liftOf(r);
    const known = summary(r);
    for (const k of new Set([1, lift.classes - 1])) {
      const { mass } = classMasses(row(r), 0, lift, EOS, false);
      const counts = new Map<number, number>();
      for (let i = 0; i < DRAWS; i++) {
        const token = drawFromSummary(known, k, (i + 0.5) / DRAWS);
        counts.set(token, (counts.get(token) ?? 0) + 1);
      }
      for (const token of counts.keys()) expect(lift.classOf[token]).toBe(k);
      for (const token of tokensOf(lift, k)) {
        if (!known.known.has(token)) continue;
        expect(Math.abs((counts.get(token) ?? 0) - (DRAWS * row(r)[token]) / mass[k])).toBeLessThan(2.5);
      }
      // What is not known token by token is drawn by block: half the sum of differences is at most that rest.
      const rest =
        tokensOf(lift, k).reduce((sum, token) => sum + (known.known.has(token) ? 0 : row(r)[token]), 0) / mass[k];
      const apart = tokensOf(lift, k).map((token) =>
        Math.abs((counts.get(token) ?? 0) / DRAWS - row(r)[token] / mass[k]),
      );
      expect(apart.reduce((sum, value) => sum + value, 0) / 2).toBeLessThan(rest + 0.02);
    }
  });

  it.each(MEASURES)('has the %s of the whole row', (measure) => {
    const lift = liftOf(r);
    const [expected, given] = [whole(r), kept(r)].map((rows) => {
      const result = meter(measure);
      for (let k = 1; k < lift.classes; k++) meterClass(rows, 0, lift, k, 0.2 + (k % 5), result);
      result.add(shareOf(rows, 0, EOS));
      return result.value();
    });
    expect(Math.abs(given - expected)).toBeLessThan(1e-4 * Math.max(1, Math.abs(expected)));
  });
});

describe('a reduction', () => {
  it('sends less than whole rows, and nothing that grows with rows times vocabulary but a block at a time', () => {
    const blocks = Math.max(...reduction.tables.map((table) => table.length)) / BLOCK_TOKENS;
    const perRow = 4 * (5 * blocks + 4 * TOP_TOKENS + 2 * SEARCHED_BLOCKS + WATCHED.length);
    const tables = 4 * reduction.tables.length * blocks * BLOCK_TOKENS;
    expect(reduced.bytes).toBeLessThanOrEqual(ROWS * (perRow + 32) + tables + 4096);
  });

  it('draws from nothing but numbers: NaN and infinities leave the class in place', () => {
    const broken = {
      ...summary(1),
      sums: summary(1).sums.map(() => Number.NaN),
      peaks: summary(1).peaks.map(() => Infinity),
    };
    const token = drawFromSummary({ ...broken, known: new Map([[9, Number.NaN]]) }, 1, 0.5);
    expect(LIFTS[1].classOf[token]).toBe(1);
    expect(summaryMasses(broken, LIFTS[1], EOS, true).mass[1]).toBeGreaterThan(0);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Proposal, Rows } from '../../../gpu-backend/denoise/constraint.ts';
import { createMemory, divergence } from '../../../gpu-backend/denoise/memory.ts';

const rowsOf = (rows: Readonly<Record<number, readonly number[]>>): Rows => ({
  positions: Int32Array.from(Object.keys(rows), Number),
  vocabulary: Object.values(rows)[0].length,
  probabilities: Float32Array.from(Object.values(rows).flat()),
});

const proposalAt = (...positions: number[]): Proposal => ({
  positions: Int32Array.from(positions),
  tokens: Int32Array.from(positions),
  confidence: Float64Array.from(positions, (position) => position / 10),
});

describe('divergence', () => {
  it('is KL(p || q) in nats, summed in float64', () => {
    const cell = fc.double({ min: 0.001, max: 1, noNaN: true });
    const pair = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(pair, (pairs) => {
        const share = (values: number[]) => {
          const sum = values.reduce((a, b) => a + b);
          return Float32Array.from(values, (value) => value / sum);
        };
        const p = share(pairs.map(([a]) => a));
        const q = share(pairs.map(([, b]) => b));
        const plain = [...p].reduce((sum, value, i) => sum + value * (Math.log(value) - Math.log(q[i])), 0);
        expect(divergence(p, q)).toBeCloseTo(plain, 8);
        expect(divergence(p, p)).toBe(0);
      }),
    );
  });

  it('is great but finite where a token was impossible before, and takes no harm from zeros and NaN', () => {
    expect(divergence(Float32Array.of(1, 0), Float32Array.of(0, 1))).toBeCloseTo(-Math.log(1e-12), 6);
    expect(divergence(Float32Array.of(0, 1), Float32Array.of(0.5, 0.5))).toBeCloseTo(Math.log(2), 9);
    expect(divergence(Float32Array.of(Number.NaN, 1), Float32Array.of(0, 1))).toBe(0);
  });
});

describe('the memory of drift', () => {
  it('is the greater of the last two divergences, infinite before there were two, apart for each position', () => {
    const memory = createMemory({ remembers: 'drift' }, 6);
    const drift = (...positions: number[]) => [...memory.recall(proposalAt(...positions), new Int32Array(0)).drift!];
    const kl = (p: number, q: number) => p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q));
    memory.observe(rowsOf({ 2: [0.5, 0.5], 4: [0.5, 0.5] }));
    expect(drift(2, 4)).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    memory.observe(rowsOf({ 2: [0.75, 0.25], 4: [0.5, 0.5] }));
    expect(drift(2, 4)).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    memory.observe(rowsOf({ 2: [0.625, 0.375], 4: [0.5, 0.5] }));
    expect(drift(2)[0]).toBeCloseTo(Math.max(kl(0.75, 0.5), kl(0.625, 0.75)), 9);
    expect(drift(4)).toEqual([0]);
    memory.observe(rowsOf({ 2: [0.625, 0.375] }));
    expect(drift(2)[0]).toBeCloseTo(kl(0.625, 0.75), 9);
  });

  it('begins anew where a position was not asked for', () => {
    const memory = createMemory({ remembers: 'drift' }, 2);
    const rows = rowsOf({ 0: [0.5, 0.5] });
    for (const observed of [rows, rows, rowsOf({ 1: [0.5, 0.5] }), rows, rows]) memory.observe(observed);
    const drift = () => memory.recall(proposalAt(0), new Int32Array(0)).drift![0];
    expect(drift()).toBe(Number.POSITIVE_INFINITY);
    memory.observe(rows);
    expect(drift()).toBe(0);
  });
});

describe('the memory of confidence', () => {
  it('says with what confidence each kept token was kept, the last time', () => {
    const memory = createMemory({ remembers: 'confidence' }, 8);
    memory.keep(proposalAt(3, 5), 1);
    memory.keep(proposalAt(3, 5), 0);
    const again: Proposal = { ...proposalAt(5), confidence: Float64Array.of(0.9) };
    memory.keep(again, 0);
    const recalled = memory.recall(proposalAt(7), Int32Array.of(3, 5));
    expect([...recalled.keptConfidence!]).toEqual([0.3, 0.9]);
    expect(recalled.drift).toBeUndefined();
  });

  it('is empty for samplers that do not look back', () => {
    const memory = createMemory({}, 8);
    memory.observe(rowsOf({ 0: [1] }));
    memory.keep(proposalAt(3), 0);
    expect(memory.recall(proposalAt(3), Int32Array.of(3))).toEqual({});
  });
});

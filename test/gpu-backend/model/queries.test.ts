import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planQueries } from '../../../gpu-backend/model/queries.ts';

const batches = fc.integer({ min: 1, max: 40 }).chain((length) =>
  fc.integer({ min: 1, max: 5 }).chain((batch) => {
    const row = fc.nat(batch * length - 1);
    return fc.record({
      batch: fc.constant(batch),
      length: fc.constant(length),
      pairs: fc.array(fc.tuple(row, row), { minLength: 1, maxLength: 60 }),
      guided: fc.boolean(),
    });
  }),
);

describe('planQueries', () => {
  it('has a place for every row that is asked for, once, in its own canvas', () => {
    fc.assert(
      fc.property(batches, ({ batch, length, pairs, guided }) => {
        const rows = Int32Array.from(pairs, ([row]) => row);
        const baseRows = guided ? Int32Array.from(pairs, ([, base]) => base) : undefined;
        const ids = new Int32Array(batch * length);
        const lengths = new Int32Array(batch).fill(length);
        const plan = planQueries({ batch, length, ids, lengths, rows, baseRows });
        expect(plan.count % 8).toBe(0);
        expect(plan.positions).toHaveLength(batch * plan.count);
        plan.positions.forEach((position, query) => {
          expect(plan.positionRows[query]).toBe(Math.floor(query / plan.count) * length + Number(position));
        });
        expect([...plan.rows].map((query) => plan.positionRows[query])).toEqual([...rows]);
        expect([...plan.baseRows].map((query) => plan.positionRows[query])).toEqual([...(baseRows ?? rows)]);
        const asked = new Set([...plan.rows, ...plan.baseRows]);
        expect(new Set([...asked].map((query) => plan.positionRows[query])).size).toBe(asked.size);
        const perCanvas = Array.from({ length: batch }, (_, b) => {
          return [...asked].filter((query) => Math.floor(query / plan.count) === b).length;
        });
        expect(plan.count).toBe(Math.ceil(Math.max(...perCanvas, 1) / 8) * 8);
      }),
    );
  });
});

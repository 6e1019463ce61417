import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dream } from '../../../../gpu-backend/denoise/samplers/dream.ts';
import { lowConfidence } from '../../../../gpu-backend/denoise/samplers/low-confidence.ts';
import { committed, contextOf } from './context.ts';

const confidences = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 });

describe('spacing', () => {
  it('passes over neighbours of what the step keeps already', () => {
    const context = contextOf([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], { stepsLeft: 3 }); // two tokens
    expect(committed(lowConfidence(), context)).toEqual([0, 1]);
    expect(committed(lowConfidence({ spacing: 2 }), context)).toEqual([0, 2]);
    expect(committed(lowConfidence({ spacing: 4 }), context)).toEqual([0, 4]);
  });

  it('is no excuse for keeping fewer: what was passed over fills up, the surest first', () => {
    const context = contextOf([0.1, 0.9, 0.8, 0.2], { stepsLeft: 1 });
    expect([...lowConfidence({ spacing: 10 }).select(context).commit]).toEqual([1, 2, 3, 0]);
  });

  it('keeps as many as without, the surest among them, and none closer while there is room', () => {
    fc.assert(
      fc.property(
        confidences,
        fc.integer({ min: 2, max: 9 }),
        fc.integer({ min: 1, max: 6 }),
        (values, spacing, stepsLeft) => {
          const context = contextOf(values, { stepsLeft, blockSteps: stepsLeft });
          for (const make of [lowConfidence, (ranking?: { spacing: number }) => dream('confidence', ranking)]) {
            const plain = [...make().select(context).commit];
            const kept = [...make({ spacing }).select(context).commit];
            expect(kept).toHaveLength(plain.length);
            expect(kept[0]).toBe(plain[0]);
            const apart = kept.every((a, i) => kept.every((b, j) => i === j || Math.abs(a - b) >= spacing));
            const room = kept.filter((a, i) => kept.slice(0, i).every((b) => Math.abs(a - b) >= spacing));
            // Whoever stands too close came after all who could stand apart.
            if (!apart) expect(kept.slice(0, room.length)).toEqual(room);
          }
        },
      ),
    );
  });
});

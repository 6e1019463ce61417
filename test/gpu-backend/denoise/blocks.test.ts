import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countMasks, currentBlock, planBlocks } from '../../../gpu-backend/denoise/blocks.ts';
import { MASKED } from '../../../gpu-backend/denoise/constraint.ts';

const masked = (positions: number) => new Int32Array(positions).fill(MASKED);

describe('planBlocks', () => {
  it('is one block with all steps where no size is given', () => {
    expect(planBlocks(masked(20), 8)).toEqual([{ from: 0, to: 20, firstStep: 1, lastStep: 8 }]);
  });

  it('gives equal blocks equal steps, as LLaDA does', () => {
    expect(planBlocks(masked(32), 16, 8).map(({ firstStep, lastStep }) => [firstStep, lastStep])).toEqual([
      [1, 4],
      [5, 8],
      [9, 12],
      [13, 16],
    ]);
  });

  it('covers all masks from the left, shares all steps with at least one a block, and never takes more', () => {
    const cells = fc.array(fc.constantFrom(MASKED, 5), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(cells, fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 70 }), (canvas, steps, size) => {
        const fixed = Int32Array.from(canvas);
        fc.pre(fixed.includes(MASKED));
        const blocks = planBlocks(fixed, steps, size);
        expect(blocks[0].firstStep).toBe(1);
        expect(blocks.at(-1)!.lastStep).toBe(steps);
        blocks.forEach((block, i) => {
          expect(block.lastStep).toBeGreaterThanOrEqual(block.firstStep);
          if (i === 0) return;
          expect(block.firstStep).toBe(blocks[i - 1].lastStep + 1);
          expect(block.from).toBeGreaterThanOrEqual(blocks[i - 1].to);
        });
        const covered = blocks.reduce((sum, { from, to }) => sum + countMasks(fixed.subarray(from, to)), 0);
        expect(covered).toBe(countMasks(fixed));
      }),
    );
  });

  it('doubles the size until each block has a step', () => {
    expect(planBlocks(masked(32), 2, 4).map(({ from, to }) => [from, to])).toEqual([
      [0, 16],
      [16, 32],
    ]);
  });
});

describe('currentBlock', () => {
  it('is the first that holds a mask', () => {
    const blocks = planBlocks(masked(8), 4, 4);
    expect(currentBlock(blocks, Int32Array.of(5, -1, 5, 5, -1, -1, -1, -1))!.from).toBe(0);
    expect(currentBlock(blocks, Int32Array.of(5, 5, 5, 5, 5, 5, 5, -1))!.from).toBe(4);
    expect(currentBlock(blocks, Int32Array.of(5, 5, 5, 5, 5, 5, 5, 5))).toBeUndefined();
  });
});

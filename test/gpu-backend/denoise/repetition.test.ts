import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rows } from '../../../gpu-backend/denoise/constraint.ts';
import { constraintFor } from '../../../gpu-backend/denoise/constraint-for.ts';
import { denoise } from '../../../gpu-backend/denoise/loop.ts';
import { discourageRepetition } from '../../../gpu-backend/denoise/repetition.ts';
import { type ConstraintMaker, prepareTasks } from '../../../gpu-backend/denoise/task.ts';
import { assemble } from '../../../gpu-backend/engine/batch.ts';
import type { GenerationRequest } from '../../../shared/contract/generation.ts';
import { plainConstraint } from '../plain-constraint.ts';
import { EOS, tinyModel, tinySession } from '../tiny-model.ts';

const rowOf = (...probabilities: number[]): Rows => ({
  positions: Int32Array.of(0),
  vocabulary: probabilities.length,
  probabilities: Float32Array.from(probabilities),
});
/** EOS is token 1. */
const weights = (rows: Rows, canvas: number[], penalty: number) => [
  ...discourageRepetition(rows, Int32Array.from(canvas), penalty, EOS).probabilities,
];
/** What the weights mean. */
const discourage = (rows: Rows, canvas: number[], penalty: number) => {
  const row = weights(rows, canvas, penalty);
  const sum = row.reduce((a, b) => a + b);
  return row.map((weight) => weight / sum);
};

async function textOf(
  request: Partial<GenerationRequest>,
  makeConstraint: ConstraintMaker = plainConstraint,
): Promise<string> {
  const session = tinySession();
  const job = { id: 'r', request: { model: 'tiny', seed: 3, ...request } };
  const [task] = prepareTasks(job, tinyModel(session), makeConstraint);
  const loop = denoise(task, (need) => session.evaluate(assemble([need], EOS)));
  for (let turn = await loop.next(); ; turn = await loop.next()) if (turn.done) return turn.value.text;
}

describe('the repetition penalty', () => {
  it('divides what stands against what does not, once for each time it stands, and leaves the end of text as probable as it was', () => {
    const [, end, a, b, c] = discourage(rowOf(0, 0.2, 0.4, 0.3, 0.1), [-1, 2, 4, 2], 2);
    expect(end).toBeCloseTo(0.2, 6);
    expect(a / b).toBeCloseTo(0.4 / 4 / 0.3, 6);
    expect(b / c).toBeCloseTo(0.3 / (0.1 / 2), 6);
    expect(a + b + c).toBeCloseTo(0.8, 6);
  });

  it('gives shares that mean a distribution, with the end as it was, of any row, canvas and penalty', () => {
    const cell = fc.double({ min: 0.001, max: 1, noNaN: true });
    const row = fc.array(cell, { minLength: 5, maxLength: 5 });
    const canvas = fc.array(fc.integer({ min: -1, max: 4 }), { maxLength: 8 });
    fc.assert(
      fc.property(row, canvas, fc.double({ min: 1, max: 10, noNaN: true }), (shares, tokens, penalty) => {
        const sum = shares.reduce((a, b) => a + b);
        const after = discourage(rowOf(...shares.map((share) => share / sum)), tokens, penalty);
        expect(after.every((share) => share >= 0)).toBe(true);
        expect(after[EOS]).toBeCloseTo(shares[EOS] / sum, 5);
      }),
    );
  });

  it('changes nothing at 1, on an empty canvas, and where nothing but the end stands', () => {
    const rows = rowOf(0, 0.2, 0.8);
    expect(discourageRepetition(rows, Int32Array.of(2), 1, EOS)).toBe(rows);
    expect(discourageRepetition(rows, Int32Array.of(-1, -1), 2, EOS)).toBe(rows);
    expect(discourageRepetition(rows, Int32Array.of(-1, EOS), 2, EOS)).toBe(rows);
  });

  it('does not write into the rows it is given, and survives rows without text and rows that are not numbers', () => {
    const rows = rowOf(0, 0.2, 0.5, 0.3);
    discourage(rows, [2], 3);
    expect([...rows.probabilities]).toEqual([...rowOf(0, 0.2, 0.5, 0.3).probabilities]);
    expect(weights(rowOf(0, 1, 0, 0), [2], 3)).toEqual([0, 1, 0, 0]);
    expect(weights(rowOf(0, Number.NaN, 1, 0), [2], 3)[2]).toBe(1);
  });

  it('is off for a sampler that is named, and changes a text when asked for', async () => {
    const named = { sampler: 'low-confidence', steps: 20 } as const;
    const request = { template: 'the {{a:tokens=20}}', temperature: 0, diffusion: named };
    const plain = await textOf(request);
    expect(await textOf({ ...request, diffusion: { ...named, repetition_penalty: 1 } })).toBe(plain);
    expect(await textOf({ ...request, diffusion: { ...named, repetition_penalty: 2 } })).not.toBe(plain);
  });

  it('leaves the guarantee alone: what must repeat repeats', async () => {
    const diffusion = { repetition_penalty: 10, steps: 16 };
    expect(await textOf({ choices: ['no no no no'], diffusion }, constraintFor)).toBe('no no no no');
    expect(await textOf({ regex: '(ha){5}!', diffusion }, constraintFor)).toBe('hahahahaha!');
  });
});

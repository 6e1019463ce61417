import { describe, expect, it } from 'vitest';
import { checkText } from '../../../gpu-backend/check.ts';
import type { Proposal, Rows } from '../../../gpu-backend/denoise/constraint.ts';
import { constraintFor } from '../../../gpu-backend/denoise/constraint-for.ts';
import { createEditing, EDIT_ROUNDS } from '../../../gpu-backend/denoise/editing.ts';
import { denoise } from '../../../gpu-backend/denoise/loop.ts';
import { jointThreshold } from '../../../gpu-backend/denoise/samplers/joint-threshold.ts';
import { prepareTasks } from '../../../gpu-backend/denoise/task.ts';
import { assemble } from '../../../gpu-backend/engine/batch.ts';
import type { GenerationRequest } from '../../../shared/contract/generation.ts';
import { EOS, tinyModel, tinySession } from '../tiny-model.ts';

const blocks = [
  { from: 0, to: 2, firstStep: 1, lastStep: 40 },
  { from: 2, to: 4, firstStep: 41, lastStep: 60 },
];
const sampler = jointThreshold(0.7, 0.5);
const canvasOf = (...tokens: number[]) => Int32Array.from(tokens);
const rowsOf = (rows: Readonly<Record<number, readonly number[]>>): Rows => ({
  positions: Int32Array.from(Object.keys(rows), Number),
  vocabulary: 4,
  probabilities: Float32Array.from(Object.values(rows).flat()),
});
const proposalOf = (tokens: Readonly<Record<number, number>>): Proposal => ({
  positions: Int32Array.from(Object.keys(tokens), Number),
  tokens: Int32Array.from(Object.values(tokens)),
  confidence: new Float64Array(Object.keys(tokens).length).fill(1),
});
const none = new Int32Array(0);

describe('editing', () => {
  it('wants a kept token replaced where the model is surer than the threshold of another', () => {
    const editing = createEditing(blocks, 4);
    const wanted = (row: number[]) => [
      ...editing.wanted(sampler, canvasOf(2, -1, -1, -1), Int32Array.of(0), rowsOf({ 0: row })),
    ];
    expect(wanted([0, 0, 0.3, 0.7])).toEqual([0]);
    expect(wanted([0, 0, 0.5, 0.5])).toEqual([]); // the likeliest is what stands
    expect(wanted([0, 0.25, 0.3, 0.45])).toEqual([]); // another, but not surely
    expect(wanted([Number.NaN, Number.NaN, Number.NaN, Number.NaN])).toEqual([]);
  });

  it('does not ask again for a token that it was not given, but for another', () => {
    const editing = createEditing(blocks, 4);
    const canvas = canvasOf(2, -1, -1, -1);
    const wanted = (row: number[]) => [...editing.wanted(sampler, canvas, Int32Array.of(0), rowsOf({ 0: row }))];
    expect(wanted([0, 0, 0.1, 0.9])).toEqual([0]);
    editing.note(canvas, Int32Array.of(0), proposalOf({ 0: 2, 1: 2 }), 0);
    expect(wanted([0, 0, 0.1, 0.9])).toEqual([]);
    expect(wanted([0, 0.9, 0.1, 0])).toEqual([0]);
  });

  it('stays with a full block as long as something is replaced, then goes on', () => {
    const editing = createEditing(blocks, 4);
    const canvas = canvasOf(2, 2, -1, -1);
    expect(editing.block(canvasOf(-1, -1, -1, -1), 1)).toBe(blocks[0]);
    editing.note(canvas, none, proposalOf({ 0: 2 }), 1);
    expect(editing.block(canvas, 2)).toBe(blocks[0]);
    editing.note(canvasOf(2, 3, -1, -1), none, proposalOf({ 1: 3 }), 1);
    expect(editing.block(canvas, 3)).toBe(blocks[0]);
    editing.note(canvasOf(2, 3, -1, -1), none, undefined, 0);
    expect(editing.block(canvas, 4)).toBe(blocks[1]);
    expect(editing.block(canvasOf(2, 3, 2, 2), 5)).toBeUndefined();
  });

  it('ends with a text that the block has been before', () => {
    const editing = createEditing(blocks, 4);
    const [a, b] = [canvasOf(2, 2, -1, -1), canvasOf(2, 3, -1, -1)];
    expect(editing.block(canvasOf(2, -1, -1, -1), 1)).toBe(blocks[0]);
    for (const [canvas, next] of [
      [a, blocks[0]],
      [b, blocks[0]],
      [a, blocks[1]],
    ] as const) {
      editing.note(canvas, none, undefined, 1);
      expect(editing.block(canvas, 2)).toBe(next);
    }
  });

  it(`ends after ${EDIT_ROUNDS} rounds, and when the steps of the block are used up`, () => {
    const rounds = (lastStep: number) => {
      const editing = createEditing([{ ...blocks[0], lastStep }], 4);
      let step = 1; // fills the block
      for (; editing.block(canvasOf(step === 1 ? -1 : step, 2, 2, 2), step) !== undefined; step++) {
        editing.note(canvasOf(step + 1, 2, 2, 2), none, undefined, 1);
      }
      return step - 2;
    };
    expect(rounds(40)).toBe(EDIT_ROUNDS);
    expect(rounds(6)).toBe(5);
  });

  it.each<Partial<GenerationRequest>>([
    { regex: '[a-z]{3}-[0-9]{4}, (yes|no)( again){1,3}\\.' },
    { template: 'Dear {{a:words=1..2}}, {{b:characters=5..12}}!', exclude: ['x'] },
    { length: { unit: 'characters', min: 10, max: 20 }, include: ['the'] },
    { json_schema: { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] } },
  ])('holds what was asked for through every replacement, and touches nothing fixed: %j', async (request) => {
    let replaced = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const session = tinySession();
      const diffusion = {
        sampler: 'joint-threshold',
        edit_threshold: 0.01,
        steps: 40,
        block: seed % 2 === 0 ? 8 : undefined,
      } as const;
      const job = { id: 'r', request: { model: 'tiny', ...request, seed, diffusion, temperature: seed % 3 } };
      const [task] = prepareTasks(
        job,
        tinyModel(session, { supports: { editing: true, guidance: true } }),
        constraintFor,
      );
      const loop = denoise(task, (need) => session.evaluate(assemble([need], EOS)));
      let turn = await loop.next();
      for (; !turn.done; turn = await loop.next()) {
        const { remasked } = turn.value.event;
        for (const position of remasked) expect(task.constraint.fixed[position]).toBe(-1);
        replaced += remasked.length;
      }
      const { text, tokens, holeTokens, usage } = turn.value;
      expect(checkText(job.request, text, { whole: tokens, holes: holeTokens }).failed).toEqual([]);
      expect(usage.model_evaluations).toBeLessThanOrEqual(usage.denoising_steps);
    }
    expect(replaced).toBeGreaterThan(0);
  });
});

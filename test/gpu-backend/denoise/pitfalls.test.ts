/**
 * Mistakes that published implementations of these samplers made or only just avoid, each by its name. Others have their test where
 * their subject is: Dream's shift and guidance before temperature in loop.test.ts, literal special tokens in canvas.test.ts and
 * overfit.test.ts, forbidden tokens in the session's, sums of schedules in blocks.test.ts and with each sampler.
 */
import { describe, expect, it } from 'vitest';
import { MASKED, type Rows } from '../../../gpu-backend/denoise/constraint.ts';
import { denoise } from '../../../gpu-backend/denoise/loop.ts';
import type { Need } from '../../../gpu-backend/denoise/need.ts';
import { uniforms } from '../../../gpu-backend/denoise/random.ts';
import { dream } from '../../../gpu-backend/denoise/samplers/dream.ts';
import { entropyBounded } from '../../../gpu-backend/denoise/samplers/entropy-bounded.ts';
import { lowConfidence } from '../../../gpu-backend/denoise/samplers/low-confidence.ts';
import { prepareTasks } from '../../../gpu-backend/denoise/task.ts';
import { textTokens } from '../../../gpu-backend/denoise/text-tokens.ts';
import { unconstrained } from '../../../gpu-backend/denoise/unconstrained.ts';
import { assemble } from '../../../gpu-backend/engine/batch.ts';
import { SAMPLERS } from '../../../shared/contract/generation.ts';
import { plainConstraint } from '../plain-constraint.ts';
import { EOS, MASK, tinyModel, tinySession, tokenizer, VOCABULARY } from '../tiny-model.ts';
import { contextOf } from './samplers/context.ts';

const tokens = textTokens(tokenizer, EOS);
const [a, b] = tokenizer.encode('ab');

/** Rows that give tokens these probabilities, for an empty canvas. */
function rowsOf(...rows: readonly Readonly<Record<number, number>>[]): Rows {
  const probabilities = new Float32Array(rows.length * VOCABULARY);
  rows.forEach((row, r) => {
    for (const [token, p] of Object.entries(row)) probabilities[r * VOCABULARY + Number(token)] = p;
  });
  return { positions: Int32Array.from(rows, (_, r) => r), vocabulary: VOCABULARY, probabilities };
}

describe('entropy sign', () => {
  it('keeps the position of least entropy first (KLASS, "negative entropy" that is positive)', () => {
    const rows = rowsOf({ [a]: 0.5, [b]: 0.5 }, { [a]: 0.98, [b]: 0.02 }, { [a]: 0.7, [b]: 0.3 });
    const canvas = new Int32Array(3).fill(MASKED);
    const random = uniforms(1, 0, 1, 'proposal');
    const proposal = unconstrained(3, tokens).propose(canvas, rows, { temperature: 0, random, measure: 'entropy' });
    const context = { ...contextOf([0, 0, 0], { blockSteps: 9, stepsLeft: 9 }), proposal };
    expect([...entropyBounded(0).select(context).commit]).toEqual([1]);
    expect([...dream('entropy').select({ ...context, blockSteps: 1, stepsLeft: 1 }).commit]).toEqual([1, 2, 0]);
  });
});

describe('mask logit', () => {
  it('neither proposes the mask nor lets it take from the confidence of others, however probable', () => {
    for (const temperature of [0, 1]) {
      const rows = rowsOf({ [MASK]: 0.97, [a]: 0.02, [b]: 0.01 });
      const random = uniforms(1, 0, 1, 'proposal');
      const proposal = unconstrained(1, tokens).propose(Int32Array.of(MASKED), rows, { temperature, random });
      expect([a, b]).toContain(proposal.tokens[0]);
      expect(proposal.confidence[0]).toBeCloseTo(proposal.tokens[0] === a ? 2 / 3 : 1 / 3, 6);
    }
  });
});

describe('EOS confidence at temperature above 0', () => {
  it('is the probability that the text has ended, the same at any temperature of the draw', () => {
    // LLaDA lowers the confidence of EOS by writing into the logits it drew from, which works at temperature 0 only.
    const rows = rowsOf({ [a]: 0.9, [EOS]: 0.1 }, { [a]: 0.4, [EOS]: 0.6 }, { [a]: 0.2, [EOS]: 0.8 });
    const [x, y, z] = [0.9 / 0.1, 0.4 / 0.6, 0.2 / 0.8];
    const ends = [1, x, x * y, x * y * z]; // weights of a text of 0, 1, 2, 3 tokens
    const total = ends.reduce((sum, weight) => sum + weight);
    const ended = [ends[0], ends[0] + ends[1], ends[0] + ends[1] + ends[2]].map((weight) => weight / total);
    let eos = 0;
    for (let step = 0; step <= 60; step++) {
      const random = uniforms(1, 0, step, 'proposal');
      const options = { temperature: step === 0 ? 0 : 1, random };
      const proposal = unconstrained(3, tokens).propose(new Int32Array(3).fill(MASKED), rows, options);
      proposal.tokens.forEach((token, i) => {
        expect(proposal.confidence[i]).toBeCloseTo(token === EOS ? ended[i] : 1 - ended[i], 6);
        if (token === EOS) eos++;
      });
    }
    expect(eos).toBeGreaterThan(20);
  });
});

describe('guidance before constraint', () => {
  it('hands the constraint rows that are guided already, and the constraint is the last to touch them', async () => {
    const session = tinySession();
    const seen: Rows[] = [];
    const needs: Need[] = [];
    const request = {
      model: 'tiny',
      seed: 1,
      template: 'a{{x:tokens=4}}',
      style: 'story',
      diffusion: { sampler: 'low-confidence' as const, guidance: 2, steps: 2 },
    };
    const [task] = prepareTasks({ id: 'r', request }, tinyModel(session), plainConstraint);
    const constraint: typeof task.constraint = {
      ...task.constraint,
      propose(canvas, rows, options) {
        seen.push(rows);
        return task.constraint.propose(canvas, rows, options);
      },
    };
    for await (const _ of denoise({ ...task, constraint }, (need) => {
      needs.push(need);
      return session.evaluate(assemble([need], EOS));
    })) {
      // events are of no interest
    }
    for (const [i, need] of needs.entries()) {
      expect(need.base).toBeDefined();
      expect([...seen[i].probabilities]).toEqual([...(await session.evaluate(assemble([need], EOS)))]);
    }
  });
});

describe('Gumbel in float64', () => {
  it('breaks the order of positions by noise that float32 would have cut off at 16.6', () => {
    // A uniform number of 1 - 2^-40 is 1 in float32, and its noise infinite; 2^-40 gives noise that is far from the bulk too.
    const high = { 10: 1 - 2 ** -40, 11: 1 - 2 ** -30, 12: 1 - 2 ** -50 } as Record<number, number>;
    const context = contextOf([0.5, 0.5, 0.5], { blockSteps: 1, stepsLeft: 1, random: (position) => high[position] });
    expect([...lowConfidence({ positionTemperature: 1 }).select(context).commit]).toEqual([2, 0, 1]);
    expect(Math.fround(high[10])).toBe(Math.fround(high[12]));
  });
});

describe('schedule sums', () => {
  it.each(SAMPLERS)('of %s add up: every mask is kept, within the steps, in blocks and without', async (sampler) => {
    for (const steps of [1, 3, 8, 50]) {
      for (const block of [undefined, 5]) {
        const session = tinySession();
        const request = {
          model: 'tiny',
          seed: 9,
          template: 'a {{x:tokens=17}} b',
          diffusion: { sampler, steps, block },
        };
        const model = tinyModel(session, { supports: { editing: true, guidance: true } });
        const [task] = prepareTasks({ id: 'r', request }, model, plainConstraint);
        let masks = 17;
        let taken = 0;
        const loop = denoise(task, (need) => session.evaluate(assemble([need], EOS)));
        for await (const {
          event: { committed, remasked },
        } of loop) {
          masks += remasked.length - committed.length;
          taken++;
        }
        expect(masks).toBe(0);
        expect(taken).toBeLessThanOrEqual(steps);
      }
    }
  });
});

describe('literal mask text', () => {
  it('in a template stands as text and is never filled', async () => {
    const session = tinySession();
    const request = { model: 'tiny', seed: 9, prompt: '<|mask|>', template: '<|mask|> {{x:tokens=3}} [MASK]' };
    const [task] = prepareTasks({ id: 'r', request }, tinyModel(session), plainConstraint);
    const needs: Need[] = [];
    const loop = denoise(task, (need) => {
      needs.push(need);
      return session.evaluate(assemble([need], EOS));
    });
    let turn = await loop.next();
    for (; !turn.done; turn = await loop.next());
    expect(needs[0].ids.filter((id) => id === MASK)).toHaveLength(3);
    expect(turn.value.text.startsWith('<|mask|> ')).toBe(true);
    expect(turn.value.text.endsWith(' [MASK]')).toBe(true);
  });
});

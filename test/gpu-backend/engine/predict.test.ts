import { describe, expect, it } from 'vitest';
import { createPredictor } from '../../../gpu-backend/engine/predict.ts';
import type { GenerationRequest } from '../../../shared/contract/generation.ts';

const tokens = (exact: number): GenerationRequest => ({ length: { unit: 'tokens', exact }, diffusion: { steps: 10 } });
const predict = (request: GenerationRequest) => createPredictor().predict(request, 1);

describe('createPredictor', () => {
  it('counts positions, steps, texts, twins and parameters', () => {
    expect(predict(tokens(50))).toBe(500);
    expect(predict({ ...tokens(50), prompt: 'x'.repeat(40) })).toBe(600);
    expect(predict({ ...tokens(50), n: 4 })).toBe(2_000);
    expect(predict({ ...tokens(50), diffusion: { steps: 10, guidance: 2 } })).toBe(1_000);
    expect(createPredictor().predict(tokens(50), 8e9)).toBe(500 * 8e9);
  });

  it('takes the least of several lengths, in whatever unit, and a default where there is none', () => {
    const steps = { diffusion: { steps: 1 } };
    const length: GenerationRequest['length'] = [
      { unit: 'characters', max: 400 },
      { unit: 'words', max: 20 },
    ];
    expect(predict({ length, ...steps })).toBeCloseTo(27);
    expect(predict({ length: { unit: 'words', min: 3 }, ...steps })).toBe(64);
    expect(predict({ template: 'y'.repeat(800), ...steps })).toBe(200);
    // No fewer tokens than there must be, and of choices the longest.
    expect(
      predict({
        length: [
          { unit: 'tokens', exact: 34 },
          { unit: 'words', max: 5 },
        ],
        ...steps,
      }),
    ).toBe(34);
    expect(predict({ choices: ['no', 'x'.repeat(36)], ...steps })).toBe(10);
  });

  it('is not led astray by one odd job', () => {
    const predictor = createPredictor();
    for (let i = 0; i < 10; i++) predictor.learn(tokens(50), 1, 500);
    predictor.learn(tokens(1), 1, 1_000);
    expect(predictor.predict(tokens(50), 1)).toBeLessThan(700);
    predictor.learn(tokens(1), 1, 0);
    expect(predictor.predict(tokens(50), 1)).toBeGreaterThan(0);
  });

  it('learns from finished jobs of a shape, and of that shape alone', () => {
    const predictor = createPredictor();
    const form: GenerationRequest = { ...tokens(20), json_schema: { type: 'object' } };
    predictor.learn(form, 1, 20);
    expect(predictor.predict({ ...form, n: 2 }, 1)).toBeCloseTo(40);
    for (let i = 0; i < 40; i++) predictor.learn(form, 1, 100);
    expect(predictor.predict(form, 1)).toBeCloseTo(100, 0);
    expect(predictor.predict(tokens(20), 1)).toBe(200);
  });
});

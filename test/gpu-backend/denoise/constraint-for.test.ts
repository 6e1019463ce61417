import { describe, expect, it } from 'vitest';
import { MASKED } from '../../../gpu-backend/denoise/constraint.ts';
import { prepareTasks } from '../../../gpu-backend/denoise/task.ts';
import { decodeTokens } from '../../../gpu-backend/denoise/text-tokens.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import { problemOf } from '../../problem-of.ts';
import { manifest, tinyModel, tokenizer } from '../tiny-model.ts';

type Request = Partial<GenerationJob['request']>;
const constraintsOf = (request: Request) => (index: number) =>
  prepareTasks({ id: 'r', request: { model: 'tiny', seed: 1, n: index + 1, ...request } }, tinyModel())[index]
    .constraint;

describe('constraintFor', () => {
  it('has the literals of a template before the first step and the holes masked', () => {
    const { fixed, positions } = constraintsOf({ template: 'Hi {{a:tokens=2}}!' })(0);
    expect(fixed).toHaveLength(positions);
    expect([...fixed]).toContain(MASKED);
    const standing = fixed.filter((token) => token !== MASKED);
    expect(decodeTokens(standing, tokenizer.tokenBytes)).toMatch(/^Hi ?!$/);
  });

  it('gives each text its own layout, the same for the same seed and index', () => {
    const request: Request = { template: '{{a:tokens=1..9}} and {{b:tokens=1..9}}' };
    const layouts = (seed: number) =>
      Array.from({ length: 6 }, (_, index) => [...constraintsOf({ ...request, seed })(index).fixed].join());
    expect(layouts(1)).toEqual(layouts(1));
    expect(new Set(layouts(1)).size).toBeGreaterThan(1);
    expect(layouts(2)).not.toEqual(layouts(1));
  });

  it('leaves room for style, prompt and facts in the context', () => {
    const prompt = 'x'.repeat(80);
    const { positions } = constraintsOf({ prompt })(0);
    expect(positions + 1 + 1 + 80 + 1).toBeLessThanOrEqual(manifest.context);
  });

  it.each([
    [{ include: ['fox'], exclude: ['fox'] }, 'unsatisfiable_constraints', '/exclude/0'],
    [{ template: 'Hi {{name' }, 'invalid_template', '/template'],
    [{ style: 'noir' }, 'unknown_style', '/style'],
  ] as const)('refuses what cannot hold: %j', (request, code, pointer) => {
    const refused = problemOf(() => constraintsOf(request as unknown as Request)(0));
    expect(refused.code).toBe(code);
    expect([refused.pointer, ...(refused.conflict ?? [])]).toContain(pointer);
  });
});

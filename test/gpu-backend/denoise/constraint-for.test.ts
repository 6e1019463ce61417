import { describe, expect, it } from 'vitest';
import { constraintFor } from '../../../gpu-backend/denoise/constraint-for.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import { problemOf } from '../../problem-of.ts';
import { tinyModel } from '../tiny-model.ts';

const constraintOf = (request: Partial<GenerationJob['request']>) =>
  constraintFor({ id: 'r', request: { model: 'tiny', seed: 1, ...request } }, tinyModel())(0);

describe('constraintFor', () => {
  it('puts the literals of a template where they stand', () => {
    const { fixed, positions } = constraintOf({
      template: 'Hi {{a:tokens=2}}!{{b}}',
      holes: { b: { tokens: { max: 3 } } },
    });
    expect(positions).toBe(3 + 2 + 1 + 3);
    expect([...fixed].map((token) => token >= 0)).toEqual([true, true, true, false, false, true, false, false, false]);
  });

  it.each([
    [{ include: ['fox'] }, 'unsupported_constraint', '/include'],
    [{ length: { unit: 'words', max: 5 } }, 'unsupported_constraint', '/length'],
    [{ template: 'Hi {{name' }, 'invalid_template', '/template'],
  ] as const)('refuses by name what it cannot hold: %j', (request, code, pointer) => {
    expect(problemOf(() => constraintOf(request as Partial<GenerationJob['request']>))).toMatchObject({
      code,
      pointer,
    });
  });
});

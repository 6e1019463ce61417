import { describe, expect, it } from 'vitest';
import { checkText, validateJson } from '../../gpu-backend/check.ts';

describe('validateJson', () => {
  const schema = {
    type: 'object',
    properties: { name: { type: 'string' }, day: { type: 'string', format: 'date' } },
    required: ['name'],
    additionalProperties: false,
  };

  it.each([
    ['{"name": "Ann"}', undefined],
    ['{"name": "Ann", "day": "2026-11-24"}', undefined],
    ['{"name": "Ann", "day": "2026-13-24"}', 'format "date"'],
    ['{"name": 3}', 'must be string'],
    ['{"name": "Ann", "x": 1}', 'additional properties'],
    ['{"name": "Ann"', 'not JSON'],
  ])('judges %s', (text, reason) => {
    const verdict = validateJson(schema, text);
    if (reason === undefined) expect(verdict).toBeUndefined();
    else expect(verdict).toContain(reason);
  });
});

const tokens = (whole: number, holes: Record<string, number> = {}) => ({ whole, holes });

describe('checkText', () => {
  const request = { model: 'm', seed: 1, template: 'Dear {{name}}, hello.' };

  it('finds what holds and what does not', () => {
    expect(checkText(request, 'Dear Ann, hello.', tokens(6)).failed).toEqual([]);
    expect(checkText(request, 'Dear Ann, bye.', tokens(6)).failed).toEqual([
      expect.objectContaining({ pointer: '/template' }),
    ]);
    const held = checkText(request, 'Dear Ann, hello.', tokens(6)).held.map(({ pointer }) => pointer);
    expect(held).toContain('/template');
  });

  it('counts tokens as the loop did', () => {
    const bounded = { model: 'm', seed: 1, length: { unit: 'tokens', max: 5 } as const };
    expect(checkText(bounded, 'One two three.', tokens(5)).failed).toEqual([]);
    expect(checkText(bounded, 'One two three.', tokens(6)).failed).toHaveLength(1);
    const hole = { model: 'm', seed: 1, template: 'Dear {{name:tokens=2}}!' };
    expect(checkText(hole, 'Dear Ann!', tokens(5, { name: 2 })).failed).toEqual([]);
    expect(checkText(hole, 'Dear Ann!', tokens(4, { name: 1 })).failed).toHaveLength(1);
  });
});

import { describe, expect, it } from 'vitest';
import { nearest, suggestion } from '../../../shared/contract/nearest.ts';

const fields = ['model', 'prompt', 'style', 'template', 'temperature', 'n'];

describe('the nearest name', () => {
  it.each([
    ['tempalte', 'template'],
    ['temprature', 'temperature'],
    ['Prompt', 'prompt'],
    ['styel', 'style'],
    ['modle', 'model'],
    ['promt', 'prompt'],
  ])('of %s is %s', (given, meant) => {
    expect(nearest(given, fields)).toBe(meant);
  });

  it.each(['max_tokens', 'x', '', 'a'.repeat(10_000)])('of %.12s is none', (given) => {
    expect(nearest(given, fields.slice(0, 5))).toBeUndefined();
    expect(suggestion(given, fields.slice(0, 5))).toBe('');
  });
});

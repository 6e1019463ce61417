import { expect, it } from 'vitest';
import { prepareTasks } from '../../../gpu-backend/denoise/task.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import { tinyModel, tokenizer } from '../tiny-model.ts';

/** The texts that are tokenised to prepare n texts of one job. */
function encodedFor(n: number, request: Partial<GenerationJob['request']>): string[] {
  const encoded: string[] = [];
  const encode = (text: string) => {
    encoded.push(text);
    return tokenizer.encode(text);
  };
  const model = { ...tinyModel(), tokenizer: { ...tokenizer, encode } };
  prepareTasks({ id: 'r', request: { model: 'tiny', seed: 1, n, ...request } }, model);
  return encoded;
}

const PROMPT = 'A fox in a hurry';

it.each<[string, Partial<GenerationJob['request']>]>([
  ['a prompt', { length: { unit: 'tokens', max: 12 } }],
  ['a template and facts', { template: 'Dear {{name:words=1}}!', facts: { price: 9.5 } }],
  ['a style to guide towards, whose twin has the same prompt', { style: { name: 'story', strength: 2 } }],
])('tokenises and compiles %s once, however many texts there are', (_, request) => {
  const one = encodedFor(1, { prompt: PROMPT, ...request });
  expect(one.filter((text) => text === PROMPT)).toHaveLength(1);
  expect(encodedFor(8, { prompt: PROMPT, ...request })).toEqual(one);
});

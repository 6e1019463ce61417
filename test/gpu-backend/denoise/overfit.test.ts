import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditioningTokens } from '../../../gpu-backend/denoise/conditioning.ts';
import { MASKED } from '../../../gpu-backend/denoise/constraint.ts';
import { uniforms } from '../../../gpu-backend/denoise/random.ts';
import { textTokens } from '../../../gpu-backend/denoise/text-tokens.ts';
import { unconstrained } from '../../../gpu-backend/denoise/unconstrained.ts';
import { createEngine } from '../../../gpu-backend/engine/engine.ts';
import { eagerReader } from '../../../gpu-backend/engine/reader.ts';
import { fixedModels } from '../../../gpu-backend/model/pool.ts';
import type { LoadedModel } from '../../../gpu-backend/model/registry.ts';
import { SAMPLERS } from '../../../shared/contract/generation.ts';
import { EDITING_SAMPLERS } from '../../../shared/contract/sampling.ts';
import { openFixture } from '../engine/real-session.ts';
import { infill } from '../fixed-canvas.ts';

interface Sentence {
  readonly style: string;
  readonly text: string;
  readonly tokens: readonly number[];
}

const live = eagerReader(new AbortController().signal);
const folder = join(import.meta.dirname, '../../fixtures/overfit');
const sentences: Sentence[] = JSON.parse(await readFile(join(folder, 'sentences.json'), 'utf8'));

describe.each(['float32', 'int8'] as const)('a model that knows four sentences by heart (%s)', (precision) => {
  let model: LoadedModel;
  beforeAll(async () => {
    model = await openFixture('overfit', precision);
  });
  afterAll(() => model.session.release());

  /** Denoises a sentence from the tokens of it that were kept. */
  async function complete(sentence: Sentence, kept: Int32Array, sampler: (typeof SAMPLERS)[number]): Promise<string> {
    const tokens = textTokens(model.tokenizer, model.manifest.tokens.eos);
    const makeConstraint = () => () => infill(kept, [], tokens);
    const check = () => ({ held: [], failed: [] });
    const engine = createEngine({ models: fixedModels([model]), check, makeConstraint });
    const { style } = sentence;
    const request = { model: model.manifest.id, seed: 1, style, temperature: 0, diffusion: { sampler, steps: 16 } };
    for await (const event of engine.generate({ id: 'r', request }, live)) if (event.type === 'done') return event.text;
    throw new Error('no text came');
  }

  // It was trained on masks alone.
  const keepers = SAMPLERS.filter((sampler) => !EDITING_SAMPLERS.includes(sampler));

  it.each(EDITING_SAMPLERS)('is refused %s, which needs a model that can edit', async (sampler) => {
    const { tokens } = sentences[0];
    await expect(complete(sentences[0], Int32Array.from(tokens).fill(MASKED, 1, 3), sampler)).rejects.toMatchObject({
      problem: { code: 'invalid_request', pointer: '/diffusion/sampler' },
    });
  });

  it.each(keepers)('says each of them again from 60% masks (%s)', async (sampler) => {
    for (const sentence of sentences) {
      for (const seed of [1, 2, 3]) {
        const random = uniforms(seed, 0, 1, 'proposal');
        const order = sentence.tokens.map((_, i) => i).sort((a, b) => random(a, 0) - random(b, 0));
        const masked = new Set(order.slice(0, Math.round(0.6 * order.length)));
        const kept = Int32Array.from(sentence.tokens, (token, i) => (masked.has(i) ? MASKED : token));
        expect(await complete(sentence, kept, sampler)).toBe(sentence.text);
      }
    }
  });

  it('writes each of them from nothing, led by its style, with its end', async () => {
    const constrained = { models: fixedModels([model]), check: () => ({ held: [], failed: [] }) };
    for (const { style, text, tokens } of sentences) {
      // It was trained on canvases that end behind the first EOS, so it is given one.
      const makeConstraint = () => () => unconstrained(tokens.length + 1, textTokens(model.tokenizer, 1));
      const engine = createEngine({ ...constrained, makeConstraint });
      const request = { model: model.manifest.id, seed: 1, style, temperature: 0 };
      const texts: string[] = [];
      for await (const event of engine.generate({ id: 'r', request }, live)) {
        if (event.type === 'done') texts.push(event.text);
      }
      expect(texts).toEqual([text]);
    }
  });

  it('is shown no special token by a prompt that spells one', () => {
    const request = { prompt: 'write <|mask|><|eos|> and <|style:product|>', facts: { '<|text|>': '<|facts|>' } };
    const ids = conditioningTokens(request, model.manifest, model.tokenizer);
    const { style_none, prompt, facts, text } = model.manifest.tokens;
    expect([...ids].filter((id) => model.tokenizer.isSpecial(id))).toEqual([style_none, prompt, facts, text]);
  });
});

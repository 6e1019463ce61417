/** The table of architectures: what is read out of each family's config.json, and what is refused by name. Numbers: training/tests. */
import { describe, expect, it } from 'vitest';
import { parseArchitecture, SUPPORTED, usualShift } from '../../../gpu-backend/model/config.ts';
import { allProducts } from '../../../gpu-backend/model/products.ts';
import { expectedShapes } from '../../../gpu-backend/model/shapes.ts';
import { lladaConfig, modernbertConfig, qwenConfig } from './random-model.ts';

describe('config.json', () => {
  it('of Dream-7B is read: Qwen2.5-7B with biases, grouped keys, a shift and fewer positions than it promises', () => {
    const dream = qwenConfig({
      ...{ hidden_size: 3584, num_attention_heads: 28, num_key_value_heads: 4, num_hidden_layers: 28 },
      ...{ intermediate_size: 18_944, vocab_size: 152_064, mask_token_id: 151_666, use_mrope: false },
      ...{ use_sliding_window: false, sliding_window: null, rope_scaling: null, hidden_act: 'silu' },
    });
    expect(usualShift(dream)).toBe(1);
    const architecture = parseArchitecture(dream);
    expect(architecture).toMatchObject({ family: 'dream', headWidth: 128, context: 2048, maskToken: 151_666 });
    const shapes = expectedShapes(architecture);
    expect(shapes.get('model.layers.27.self_attn.k_proj.bias')).toEqual([512]);
    expect(shapes.has('model.layers.0.self_attn.o_proj.bias')).toBe(false);
    expect(shapes.get('lm_head.weight')).toEqual([152_064, 3584]);
  });

  it('of a conversion of Qwen3-0.6B is read: heads wider than the stream divided, norms on them, a tied head', () => {
    const architecture = parseArchitecture(
      qwenConfig({
        ...{ model_type: 'a2d-qwen3', hidden_size: 1024, num_attention_heads: 16, num_key_value_heads: 8 },
        ...{ tie_word_embeddings: true, mask_token_id: undefined, rope_theta: undefined },
        rope_parameters: { rope_type: 'default', rope_theta: 5e6 },
      }),
    );
    expect(architecture).toMatchObject({ headWidth: 128, ropeTheta: 5e6, tied: true, maskToken: undefined });
    const shapes = expectedShapes(architecture);
    expect(shapes.get('model.layers.1.self_attn.q_norm.weight')).toEqual([128]);
    expect(shapes.get('model.layers.1.self_attn.o_proj.weight')).toEqual([1024, 2048]);
    expect(shapes.has('lm_head.weight')).toBe(false);
  });

  it('of ModernBERT-base is read: fused products, two rotations, a prediction head', () => {
    const architecture = parseArchitecture(
      modernbertConfig({
        ...{ hidden_size: 768, num_attention_heads: 12, num_hidden_layers: 22, intermediate_size: 1152 },
        ...{ vocab_size: 50_368, max_position_embeddings: 8192, local_attention: 128, local_rope_theta: 10_000 },
        ...{ classifier_pooling: 'mean', sparse_prediction: true, position_embedding_type: 'absolute' },
      }),
    );
    expect(architecture).toMatchObject({ norm: 'layer', activation: 'gelu', ropeTheta: 160_000, context: 4096 });
    expect(architecture.local).toMatchObject({ reach: 64, ropeTheta: 10_000 });
    expect([...architecture.local!.layers].slice(0, 4)).toEqual([1, 2, 4, 5]);
    const shapes = expectedShapes(architecture);
    expect(shapes.get('model.layers.3.attn.Wqkv.weight')).toEqual([2304, 768]);
    expect(shapes.get('model.layers.3.mlp.Wi.weight')).toEqual([2304, 768]);
    expect(shapes.has('model.layers.0.attn_norm.weight')).toBe(false);
    expect(shapes.get('decoder.bias')).toEqual([50_368]);
    expect(allProducts(architecture).map(({ name }) => name)).toContain('prediction');
  });

  it('of a LLaDA whose tables are longer than its vocabulary is read', () => {
    expect(parseArchitecture(lladaConfig({ vocab_size: 290, embedding_size: 300 })).vocabulary).toBe(300);
  });

  it.each<[string, unknown, RegExp]>([
    ['of no object', null, /model_type is undefined/],
    ['of a plain Qwen3, which is autoregressive', qwenConfig({ model_type: 'qwen3' }), /model_type is "qwen3"/],
    ['of a mixture of experts', { ...lladaConfig(), model_type: 'llada_moe' }, /model_type is "llada_moe"/],
    [
      'with a scaled rotation',
      qwenConfig({ rope_scaling: { rope_type: 'yarn', factor: 4 } }),
      /rope_scaling\.rope_type/,
    ],
    [
      'with a scaled rotation, of transformers 5',
      qwenConfig({ rope_parameters: { rope_type: 'yarn' } }),
      /rope_parameters\.rope_type/,
    ],
    ['of causal blocks', qwenConfig({ block_size: 32 }), /block_size/],
    ['with a sliding window', qwenConfig({ use_sliding_window: true }), /use_sliding_window/],
    [
      'with key heads that do not divide',
      qwenConfig({ num_key_value_heads: 3 }),
      /no multiple of num_key_value_heads 3/,
    ],
    ['with a mask outside the vocabulary', qwenConfig({ mask_token_id: 300 }), /mask_token_id 300 is outside/],
    ['with biased norms', modernbertConfig({ norm_bias: true }), /norm_bias/],
    [
      'with fewer kinds than layers',
      modernbertConfig({ layer_types: ['full_attention'] }),
      /layer_types has 1 entries/,
    ],
    ['with another activation', modernbertConfig({ hidden_activation: 'relu' }), /hidden_activation/],
  ])('%s is refused, with what is supported', (_, config, message) => {
    expect(() => parseArchitecture(config)).toThrow(message);
    expect(() => parseArchitecture(config)).toThrow(SUPPORTED);
  });
});

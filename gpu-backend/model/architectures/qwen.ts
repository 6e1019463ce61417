/**
 * Diffusion models that began as Qwen2 or Qwen3 and whose attention was made bidirectional: Dream-7B and DiffuCoder (Qwen2.5's shape,
 * logits still shifted by one; Ye et al. 2025), and the A2D conversions of dLLM (ZHZisZZ/dllm; no shift).
 * Tensors are named as in transformers' Qwen2ForCausalLM and Qwen3ForCausalLM.
 */
import * as v from 'valibot';
import type { Architecture, Linear, ModelTensors } from '../architecture.ts';
import { aboveZero, LONGEST_CONTEXT, no, off, outside, parseFields, positive, refuse, token } from './fields.ts';

/** transformers 5 keeps theta in `rope_parameters`, older versions beside the rest; a scaled rotation has another type. */
const rope = v.optional(
  v.nullable(v.looseObject({ rope_type: v.optional(v.literal('default')), rope_theta: v.optional(aboveZero) })),
);

const schema = v.object({
  hidden_size: positive,
  num_attention_heads: positive,
  num_key_value_heads: v.optional(v.nullable(positive)),
  head_dim: v.optional(v.nullable(positive)),
  num_hidden_layers: positive,
  intermediate_size: positive,
  vocab_size: positive,
  max_position_embeddings: positive,
  rope_theta: v.optional(v.nullable(aboveZero)),
  rope_parameters: rope,
  rope_scaling: v.optional(v.nullable(v.looseObject({ rope_type: v.literal('default') }))),
  rms_norm_eps: v.optional(aboveZero, 1e-6),
  hidden_act: v.optional(v.literal('silu'), 'silu'),
  tie_word_embeddings: v.optional(v.boolean(), false),
  attention_bias: v.optional(v.nullable(v.boolean())),
  use_sliding_window: off,
  use_mrope: off,
  // Models of causal blocks (Dream's reasoner) cannot be evaluated as one bidirectional canvas.
  block_size: no,
  mask_token_id: v.optional(v.nullable(token)),
});

interface Variant {
  readonly family: string;
  /** Biases of queries, keys and values, where config.json does not say. */
  readonly biases: boolean;
  /** Positions it was trained for, where config.json promises more. */
  readonly longest?: number;
  /** Norms of every query and key head (Qwen3). */
  readonly headNorms: boolean;
}

/** Dream: Qwen2's tensors. Its config says 131,072 positions as Qwen2.5's did; its authors say 2,048. */
export const dream = (config: unknown) =>
  qwen(config, { family: 'dream', biases: true, headNorms: false, longest: 2048 });
export const qwen2 = (config: unknown) => qwen(config, { family: 'a2d-qwen2', biases: true, headNorms: false });
export const qwen3 = (config: unknown) => qwen(config, { family: 'a2d-qwen3', biases: false, headNorms: true });

/** @throws ConfigError naming each field that does not fit */
function qwen(config: unknown, variant: Variant): Architecture {
  const c = parseFields(schema, config);
  const heads = c.num_attention_heads;
  const keyHeads = c.num_key_value_heads ?? heads;
  // Qwen3's head is 128 wide where nothing is said (transformers' Qwen3Config).
  const headWidth = c.head_dim ?? (variant.headNorms ? 128 : c.hidden_size / heads);
  const maskToken = c.mask_token_id ?? undefined;
  refuse([
    ...(headWidth % 2 === 0
      ? []
      : [`hidden_size ${c.hidden_size} is no even multiple of num_attention_heads ${heads}`]),
    ...(heads % keyHeads === 0
      ? []
      : [`num_attention_heads ${heads} is no multiple of num_key_value_heads ${keyHeads}`]),
    ...outside('mask_token_id', maskToken, c.vocab_size),
  ]);
  // Qwen2's projections have biases whatever the field says; of Qwen3's it says so, for the output as well.
  const biases = variant.headNorms ? (c.attention_bias ?? variant.biases) : variant.biases;
  return {
    family: variant.family,
    layers: c.num_hidden_layers,
    width: c.hidden_size,
    heads,
    keyHeads,
    headWidth,
    hidden: c.intermediate_size,
    vocabulary: c.vocab_size,
    context: Math.min(c.max_position_embeddings, variant.longest ?? LONGEST_CONTEXT),
    ropeTheta: c.rope_parameters?.rope_theta ?? c.rope_theta ?? 10_000,
    norm: 'rms',
    epsilon: c.rms_norm_eps,
    activation: 'silu',
    tied: c.tie_word_embeddings,
    maskToken,
    tensors: tensors(c.tie_word_embeddings, variant, biases),
  };
}

function tensors(tied: boolean, { headNorms }: Variant, biases: boolean): ModelTensors {
  return {
    embedding: 'model.embed_tokens.weight',
    block(layer) {
      const prefix = `model.layers.${layer}`;
      const linear = (name: string, bias = false): Linear => ({
        weight: `${prefix}.${name}.weight`,
        ...(bias ? { bias: `${prefix}.${name}.bias` } : {}),
      });
      return {
        attentionNorm: `${prefix}.input_layernorm.weight`,
        query: linear('self_attn.q_proj', biases),
        key: linear('self_attn.k_proj', biases),
        value: linear('self_attn.v_proj', biases),
        ...(headNorms
          ? { queryNorm: `${prefix}.self_attn.q_norm.weight`, keyNorm: `${prefix}.self_attn.k_norm.weight` }
          : {}),
        attentionOut: linear('self_attn.o_proj', headNorms && biases),
        feedForwardNorm: `${prefix}.post_attention_layernorm.weight`,
        gate: linear('mlp.gate_proj'),
        up: linear('mlp.up_proj'),
        down: linear('mlp.down_proj'),
      };
    },
    finalNorm: 'model.norm.weight',
    head: { weight: tied ? 'model.embed_tokens.weight' : 'lm_head.weight' },
    fused: [],
  };
}

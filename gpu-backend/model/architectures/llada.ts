/**
 * LLaDA (GSAI-ML/LLaDA-8B-Base, -Instruct, LLaDA-1.5: configuration_llada.py, modeling_llada.py; Nie et al. 2025).
 */
import * as v from 'valibot';
import type { Architecture, ModelTensors } from '../architecture.ts';
import { aboveZero, LONGEST_CONTEXT, off, outside, parseFields, positive, refuse, token } from './fields.ts';

const schema = v.object({
  d_model: positive,
  n_heads: positive,
  n_kv_heads: v.optional(v.nullable(positive)),
  n_layers: positive,
  mlp_hidden_size: positive,
  vocab_size: positive,
  embedding_size: v.optional(v.nullable(positive)),
  max_sequence_length: positive,
  rope: v.optional(v.literal(true), true),
  rope_theta: v.optional(aboveZero, 10_000),
  rms_norm_eps: v.optional(aboveZero, 1e-5),
  weight_tying: v.boolean(),
  activation_type: v.literal('silu'),
  block_type: v.literal('llama'),
  layer_norm_type: v.literal('rms'),
  include_bias: off,
  include_qkv_bias: v.optional(v.nullable(v.boolean()), false),
  alibi: off,
  attention_layer_norm: off,
  scale_logits: off,
  input_emb_norm: off,
  mask_token_id: token,
  eos_token_id: token,
});

/** @throws ConfigError naming each field that does not fit */
export function llada(config: unknown): Architecture {
  const c = parseFields(schema, config);
  const keyHeads = c.n_kv_heads ?? c.n_heads;
  // The tables have embedding_size rows: vocab_size rounded up. No id behind vocab_size is ever drawn.
  const vocabulary = c.embedding_size ?? c.vocab_size;
  refuse([
    ...(c.d_model % (2 * c.n_heads) === 0 ? [] : [`d_model ${c.d_model} is no even multiple of n_heads ${c.n_heads}`]),
    ...(c.n_heads % keyHeads === 0 ? [] : [`n_heads ${c.n_heads} is no multiple of n_kv_heads ${keyHeads}`]),
    ...(vocabulary >= c.vocab_size ? [] : [`embedding_size ${vocabulary} is below vocab_size ${c.vocab_size}`]),
    ...outside('mask_token_id', c.mask_token_id, c.vocab_size),
    ...outside('eos_token_id', c.eos_token_id, c.vocab_size),
  ]);
  return {
    family: 'llada',
    layers: c.n_layers,
    width: c.d_model,
    heads: c.n_heads,
    keyHeads,
    headWidth: c.d_model / c.n_heads,
    hidden: c.mlp_hidden_size,
    vocabulary,
    context: Math.min(c.max_sequence_length, LONGEST_CONTEXT),
    ropeTheta: c.rope_theta,
    norm: 'rms',
    epsilon: c.rms_norm_eps,
    activation: 'silu',
    tied: c.weight_tying,
    maskToken: c.mask_token_id,
    eosToken: c.eos_token_id,
    tensors: tensors(c.weight_tying, c.include_qkv_bias ?? false),
  };
}

function tensors(tied: boolean, biases: boolean): ModelTensors {
  const of = (name: string) => `model.transformer.${name}.weight`;
  return {
    embedding: of('wte'),
    block(layer) {
      const named = (name: string) => of(`blocks.${layer}.${name}`);
      const projection = (name: string) => ({
        weight: named(name),
        ...(biases ? { bias: `model.transformer.blocks.${layer}.${name}.bias` } : {}),
      });
      return {
        attentionNorm: named('attn_norm'),
        query: projection('q_proj'),
        key: projection('k_proj'),
        value: projection('v_proj'),
        attentionOut: { weight: named('attn_out') },
        feedForwardNorm: named('ff_norm'),
        gate: { weight: named('ff_proj') },
        up: { weight: named('up_proj') },
        down: { weight: named('ff_out') },
      };
    },
    finalNorm: of('ln_f'),
    head: { weight: of(tied ? 'wte' : 'ff_out') },
    fused: [],
  };
}

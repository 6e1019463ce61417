/**
 * ModernBERT (Warner et al. 2024; transformers' ModernBertForMaskedLM): layer norms without bias, GeGLU, fused projections, attention that
 * is global in every third layer and local in the others, with a rotation base of its own, and BERT's prediction head.
 */
import * as v from 'valibot';
import type { Architecture, FusedTensor, LocalAttention, ModelTensors } from '../architecture.ts';
import { aboveZero, LONGEST_CONTEXT, off, parseFields, positive, refuse } from './fields.ts';

const rotation = v.optional(
  v.nullable(v.looseObject({ rope_type: v.optional(v.literal('default')), rope_theta: v.optional(aboveZero) })),
);

const schema = v.object({
  hidden_size: positive,
  num_attention_heads: positive,
  num_hidden_layers: positive,
  intermediate_size: positive,
  vocab_size: positive,
  max_position_embeddings: positive,
  hidden_activation: v.optional(v.literal('gelu'), 'gelu'),
  classifier_activation: v.optional(v.literal('gelu'), 'gelu'),
  norm_eps: v.optional(aboveZero, 1e-5),
  norm_bias: off,
  attention_bias: off,
  mlp_bias: off,
  classifier_bias: off,
  decoder_bias: v.optional(v.boolean(), true),
  tie_word_embeddings: v.optional(v.boolean(), true),
  // transformers 5 lists the layers and keeps a rotation for each kind; older configs count.
  layer_types: v.optional(v.nullable(v.array(v.picklist(['full_attention', 'sliding_attention'])))),
  rope_parameters: v.optional(v.nullable(v.object({ full_attention: rotation, sliding_attention: rotation }))),
  global_attn_every_n_layers: v.optional(positive, 3),
  global_rope_theta: v.optional(aboveZero, 160_000),
  local_rope_theta: v.optional(v.nullable(aboveZero)),
  local_attention: v.optional(positive, 128),
});

/** @throws ConfigError naming each field that does not fit */
export function modernbert(config: unknown): Architecture {
  const c = parseFields(schema, config);
  const heads = c.num_attention_heads;
  const every = c.global_attn_every_n_layers;
  const types =
    c.layer_types ??
    Array.from({ length: c.num_hidden_layers }, (_, i) => (i % every === 0 ? 'full_attention' : 'sliding_attention'));
  refuse([
    ...(c.hidden_size % (2 * heads) === 0
      ? []
      : [`hidden_size ${c.hidden_size} is no even multiple of num_attention_heads ${heads}`]),
    ...(types.length === c.num_hidden_layers
      ? []
      : [`layer_types has ${types.length} entries, num_hidden_layers is ${c.num_hidden_layers}`]),
  ]);
  const local: LocalAttention = {
    layers: new Set(types.flatMap((type, layer) => (type === 'sliding_attention' ? [layer] : []))),
    reach: Math.floor(c.local_attention / 2),
    ropeTheta: c.rope_parameters?.sliding_attention?.rope_theta ?? c.local_rope_theta ?? 10_000,
  };
  return {
    family: 'modernbert',
    layers: c.num_hidden_layers,
    width: c.hidden_size,
    heads,
    keyHeads: heads,
    headWidth: c.hidden_size / heads,
    hidden: c.intermediate_size,
    vocabulary: c.vocab_size,
    context: Math.min(c.max_position_embeddings, LONGEST_CONTEXT),
    ropeTheta: c.rope_parameters?.full_attention?.rope_theta ?? c.global_rope_theta,
    ...(local.layers.size > 0 ? { local } : {}),
    norm: 'layer',
    epsilon: c.norm_eps,
    activation: 'gelu',
    tied: c.tie_word_embeddings,
    tensors: tensors(c),
  };
}

function tensors(c: v.InferOutput<typeof schema>): ModelTensors {
  const { hidden_size: width, intermediate_size: hidden } = c;
  const prefix = (layer: number) => `model.layers.${layer}`;
  const part = (layer: number, name: string, which: string) => `${prefix(layer)}.${name}.weight[${which}]`;
  const fused = Array.from({ length: c.num_hidden_layers }, (_, layer): FusedTensor[] => [
    {
      name: `${prefix(layer)}.attn.Wqkv.weight`,
      parts: ['query', 'key', 'value'].map((which) => ({ name: part(layer, 'attn.Wqkv', which), rows: width })),
      columns: width,
    },
    {
      // The first half goes through the activation.
      name: `${prefix(layer)}.mlp.Wi.weight`,
      parts: ['gate', 'up'].map((which) => ({ name: part(layer, 'mlp.Wi', which), rows: hidden })),
      columns: width,
    },
  ]);
  return {
    embedding: 'model.embeddings.tok_embeddings.weight',
    embeddingNorm: 'model.embeddings.norm.weight',
    block: (layer) => ({
      // The first block reads embeddings that have just been normalised.
      ...(layer === 0 ? {} : { attentionNorm: `${prefix(layer)}.attn_norm.weight` }),
      query: { weight: part(layer, 'attn.Wqkv', 'query') },
      key: { weight: part(layer, 'attn.Wqkv', 'key') },
      value: { weight: part(layer, 'attn.Wqkv', 'value') },
      attentionOut: { weight: `${prefix(layer)}.attn.Wo.weight` },
      feedForwardNorm: `${prefix(layer)}.mlp_norm.weight`,
      gate: { weight: part(layer, 'mlp.Wi', 'gate') },
      up: { weight: part(layer, 'mlp.Wi', 'up') },
      down: { weight: `${prefix(layer)}.mlp.Wo.weight` },
    }),
    finalNorm: 'model.final_norm.weight',
    prediction: { dense: { weight: 'head.dense.weight' }, norm: 'head.norm.weight' },
    head: {
      weight: c.tie_word_embeddings ? 'model.embeddings.tok_embeddings.weight' : 'decoder.weight',
      ...(c.decoder_bias ? { bias: 'decoder.bias' } : {}),
    },
    fused: fused.flat(),
  };
}

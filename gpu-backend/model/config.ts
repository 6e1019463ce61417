/**
 * config.json of a model folder -> the numbers the graph needs. LLaDA's keys (GSAI-ML/LLaDA-8B, configuration_llada.py).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';

/** The shape of a bidirectional transformer with RMSNorm, rotary positions and SwiGLU. */
export interface Architecture {
  readonly layers: number;
  /** Width of the residual stream. */
  readonly width: number;
  readonly heads: number;
  /** Heads of keys and values; each serves heads / keyHeads neighbouring query heads. */
  readonly keyHeads: number;
  readonly headWidth: number;
  /** Width between the two halves of the feed-forward part. */
  readonly hidden: number;
  readonly vocabulary: number;
  /** Most positions of one canvas. */
  readonly context: number;
  readonly ropeTheta: number;
  readonly epsilon: number;
  /** The head reads the embedding table. */
  readonly tied: boolean;
  readonly maskToken: number;
  readonly eosToken: number;
}

const positive = v.pipe(v.number(), v.integer(), v.minValue(1));
const token = v.pipe(v.number(), v.integer(), v.minValue(0));
const off = v.optional(v.literal(false), false);

const lladaSchema = v.object({
  model_type: v.literal('llada'),
  d_model: positive,
  n_heads: positive,
  n_kv_heads: v.optional(v.nullable(positive)),
  n_layers: positive,
  mlp_hidden_size: positive,
  vocab_size: positive,
  embedding_size: v.optional(v.nullable(positive)),
  max_sequence_length: positive,
  rope: v.optional(v.literal(true), true),
  rope_theta: v.optional(v.pipe(v.number(), v.gtValue(0)), 10_000),
  rms_norm_eps: v.optional(v.pipe(v.number(), v.gtValue(0)), 1e-5),
  weight_tying: v.boolean(),
  activation_type: v.literal('silu'),
  block_type: v.literal('llama'),
  layer_norm_type: v.literal('rms'),
  include_bias: off,
  include_qkv_bias: off,
  alibi: off,
  attention_layer_norm: off,
  scale_logits: off,
  input_emb_norm: off,
  mask_token_id: token,
  eos_token_id: token,
});

/** What a folder must be; said whenever one is refused. */
export const SUPPORTED =
  'Supported: model_type "llada" (LLaDAModelLM) with block_type "llama", layer_norm_type "rms", activation_type "silu", ' +
  'rotary positions, grouped key-value heads or not, no biases, tied or untied embeddings.';

/**
 * Reads the architecture out of a parsed config.json.
 * @throws Error naming each field that does not fit, and what is supported.
 */
export function parseArchitecture(config: unknown): Architecture {
  const result = v.safeParse(lladaSchema, config);
  const refuse = (reasons: readonly string[]) => new Error(`config.json: ${reasons.join('; ')}. ${SUPPORTED}`);
  if (!result.success) throw refuse(result.issues.map((issue) => `${v.getDotPath(issue) ?? 'it'}: ${issue.message}`));
  const c = result.output;
  const reasons: string[] = [];
  if (c.d_model % (2 * c.n_heads) !== 0)
    reasons.push(`d_model ${c.d_model} is no even multiple of n_heads ${c.n_heads}`);
  const keyHeads = c.n_kv_heads ?? c.n_heads;
  if (c.n_heads % keyHeads !== 0) reasons.push(`n_heads ${c.n_heads} is no multiple of n_kv_heads ${keyHeads}`);
  if ((c.embedding_size ?? c.vocab_size) !== c.vocab_size) {
    reasons.push(`embedding_size ${c.embedding_size} is not vocab_size ${c.vocab_size}`);
  }
  for (const field of ['mask_token_id', 'eos_token_id'] as const) {
    if (c[field] >= c.vocab_size) reasons.push(`${field} ${c[field]} is outside the vocabulary of ${c.vocab_size}`);
  }
  if (reasons.length > 0) throw refuse(reasons);
  return {
    layers: c.n_layers,
    width: c.d_model,
    heads: c.n_heads,
    keyHeads,
    headWidth: c.d_model / c.n_heads,
    hidden: c.mlp_hidden_size,
    vocabulary: c.vocab_size,
    context: c.max_sequence_length,
    ropeTheta: c.rope_theta,
    epsilon: c.rms_norm_eps,
    tied: c.weight_tying,
    maskToken: c.mask_token_id,
    eosToken: c.eos_token_id,
  };
}

/** Reads and parses `folder/config.json`. */
export async function readArchitecture(folder: string): Promise<Architecture> {
  return parseArchitecture(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')));
}

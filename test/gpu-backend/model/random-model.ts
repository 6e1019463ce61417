/**
 * Random model folders in LLaDA's layout, made from a seed: what the tests run where no trained model is needed.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Architecture, parseArchitecture } from '../../../gpu-backend/model/config.ts';
import { type TensorToWrite, writeSafetensors } from '../../../gpu-backend/model/safetensors.ts';
import { expectedShapes } from '../../../gpu-backend/model/shapes.ts';

/** mulberry32: uniform numbers in [0, 1) from a 32-bit seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A standard normal number (Box and Muller 1958). */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A config.json in LLaDA's keys; small unless `changes` say otherwise. */
export function lladaConfig(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    model_type: 'llada',
    architectures: ['LLaDAModelLM'],
    d_model: 64,
    n_heads: 2,
    n_kv_heads: 2,
    n_layers: 2,
    mlp_hidden_size: 96,
    vocab_size: 300,
    embedding_size: 300,
    max_sequence_length: 256,
    rope: true,
    rope_theta: 10000,
    rms_norm_eps: 1e-5,
    weight_tying: true,
    activation_type: 'silu',
    block_type: 'llama',
    layer_norm_type: 'rms',
    include_bias: false,
    include_qkv_bias: false,
    mask_token_id: 0,
    eos_token_id: 1,
    pad_token_id: 1,
    ...changes,
  };
}

/** A config.json in Qwen's keys; `model_type` says which. */
export function qwenConfig(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    model_type: 'Dream',
    hidden_size: 64,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    num_hidden_layers: 2,
    intermediate_size: 96,
    vocab_size: 300,
    max_position_embeddings: 131_072,
    rope_theta: 1_000_000,
    rms_norm_eps: 1e-6,
    tie_word_embeddings: false,
    mask_token_id: 299,
    ...changes,
  };
}

/** A config.json in ModernBERT's keys: four layers, two of them local. */
export function modernbertConfig(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    model_type: 'modernbert',
    hidden_size: 64,
    num_attention_heads: 2,
    num_hidden_layers: 4,
    intermediate_size: 96,
    vocab_size: 300,
    max_position_embeddings: 256,
    global_attn_every_n_layers: 3,
    local_attention: 8,
    ...changes,
  };
}

export interface RandomModel {
  readonly folder: string;
  readonly architecture: Architecture;
  readonly tensors: ReadonlyMap<string, Float32Array>;
}

function encode(values: Float32Array, type: 'float32' | 'bfloat16'): Uint8Array {
  if (type === 'float32') return new Uint8Array(values.buffer);
  const bits = new Uint32Array(values.buffer);
  return new Uint8Array(Uint16Array.from(bits, (word) => word >>> 16).buffer);
}

/** Cuts float32 values to what bfloat16 can hold. */
function truncate(values: Float32Array): void {
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] &= 0xffff0000;
}

/** Writes a random model into `folder`; matrices have deviation 1 / sqrt(columns), gains are near 1, what `isZero` names is 0. */
export async function writeRandomModel(
  folder: string,
  config: Record<string, unknown>,
  seed: number,
  type: 'float32' | 'bfloat16' = 'float32',
  isZero: (name: string) => boolean = () => false,
): Promise<RandomModel> {
  const architecture = parseArchitecture(config);
  const random = randomNumbers(seed);
  const tensors = new Map<string, Float32Array>();
  for (const [name, shape] of expectedShapes(architecture)) {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    const deviation = shape.length === 1 ? 0.1 : 1 / Math.sqrt(shape[1]);
    for (let i = 0; i < values.length; i++) values[i] = (shape.length === 1 ? 1 : 0) + deviation * normal(random);
    if (isZero(name)) values.fill(0);
    if (type === 'bfloat16') truncate(values);
    tensors.set(name, values);
  }
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const list = [...expectedShapes(architecture)].map(
    ([name, shape]): TensorToWrite => ({ name, type, shape, data: async () => encode(tensors.get(name)!, type) }),
  );
  await writeSafetensors(join(folder, 'model.safetensors'), list);
  return { folder, architecture, tensors };
}

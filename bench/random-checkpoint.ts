/**
 * Checkpoints of random float16 weights in LLaDA's layout, of any shape: what a step costs does not depend on what the weights say.
 */
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryName } from '../gpu-backend/model/checksum.ts';
import { parseArchitecture } from '../gpu-backend/model/config.ts';
import { type TensorToWrite, writeSafetensors } from '../gpu-backend/model/safetensors.ts';
import { expectedShapes } from '../gpu-backend/model/shapes.ts';

/** LLaDA-8B's shape (GSAI-ML/LLaDA-8B-Base, config.json), as layers x width x hidden x vocabulary. */
const NAMED: Readonly<Record<string, string>> = { 'llada-8b': '32x4096x12288x126464' };

const HEAD_WIDTH = 128;
const CONTEXT = 4096;
/** Numbers that are made; tensors are filled with them again and again. */
const BLOCK = 1 << 20;
/** Shift from one filling to the next: odd, so that no two rows are alike. */
const SHIFT = 7919;

/**
 * config.json of a shape: `llada-8b`, or LAYERSxWIDTHxHIDDENxVOCABULARY with a width of any multiple of 128.
 * @throws Error where the shape is none
 */
export function shapeConfig(shape: string): Record<string, unknown> {
  const match = /^(\d+)x(\d+)x(\d+)x(\d+)$/.exec(NAMED[shape] ?? shape);
  const [layers, width, hidden, vocabulary] = (match?.slice(1) ?? []).map(Number);
  if (match === null || width === 0 || width % HEAD_WIDTH !== 0) {
    const known = Object.keys(NAMED).join(', ');
    throw new Error(
      `--shape is ${shape}; it must be ${known}, or LAYERSxWIDTHxHIDDENxVOCABULARY with a width that is a multiple of 128`,
    );
  }
  const heads = width / HEAD_WIDTH;
  return {
    model_type: 'llada',
    architectures: ['LLaDAModelLM'],
    d_model: width,
    n_layers: layers,
    n_heads: heads,
    n_kv_heads: heads,
    mlp_hidden_size: hidden,
    vocab_size: vocabulary,
    embedding_size: vocabulary,
    max_sequence_length: CONTEXT,
    weight_tying: false,
    rope_theta: 500_000,
    rms_norm_eps: 1e-5,
    activation_type: 'silu',
    block_type: 'llama',
    layer_norm_type: 'rms',
    mask_token_id: 0,
    eos_token_id: 1,
  };
}

/** Random signs and fractions under one exponent: float16 numbers between 2^exponent and 2^(exponent + 1) in magnitude. */
function randomHalves(): Uint16Array {
  let state = 12345;
  return Uint16Array.from({ length: BLOCK }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes' generator; its upper bits
    return ((state >>> 16) & 0x8000) | ((state >>> 16) & 0x03ff);
  });
}

/** The float16 exponent bits for weights of deviation about 1 / sqrt(columns). */
function exponentBits(columns: number): number {
  const biased = Math.floor(-0.5 * Math.log2(columns) - 0.5) + 15;
  return Math.max(1, biased) << 10;
}

const ONE = 0x3c00; // float16

/** The folder of a random checkpoint of that shape under `cacheFolder`; made there where it is not yet. */
export async function randomCheckpoint(shape: string, cacheFolder: string): Promise<string> {
  const config = shapeConfig(shape);
  const folder = join(cacheFolder, `random-${NAMED[shape] ?? shape}`);
  const path = join(folder, 'model.safetensors');
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (exists) return folder;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const block = randomHalves();
  const tensors = [...expectedShapes(parseArchitecture(config))].map(
    ([name, dims], place): TensorToWrite => ({
      name,
      type: 'float16',
      shape: dims,
      async data() {
        const values = new Uint16Array(dims.reduce((product, size) => product * size, 1));
        if (dims.length === 1) return new Uint8Array(values.fill(ONE).buffer);
        const bits = exponentBits(dims[1]);
        const scaled = block.map((half) => half | bits);
        for (let at = 0, from = (place * SHIFT) % BLOCK; at < values.length; from = (from + SHIFT) % BLOCK) {
          const part = scaled.subarray(from, from + values.length - at);
          values.set(part, at);
          at += part.length;
        }
        return new Uint8Array(values.buffer);
      },
    }),
  );
  const temporary = temporaryName(path);
  await writeSafetensors(temporary, tensors);
  await rename(temporary, path);
  return folder;
}

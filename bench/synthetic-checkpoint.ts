/**
 * A checkpoint in LLaDA's layout of any size, made in a moment: files with holes, which read as zeros, and a few random weights in every
 * tensor. Not a language model; for measuring what the size of a model costs.
 */
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Architecture, parseArchitecture } from '../gpu-backend/model/config.ts';
import { expectedShapes } from '../gpu-backend/model/shapes.ts';
import { seeded } from './random-requests.ts';

export interface SyntheticSize {
  readonly width: number;
  readonly hidden: number;
  readonly layers: number;
  readonly vocabulary: number;
}

/** LLaDA-8B's matrices with 5 of its 32 layers: 4.25 GB. */
export const FOUR_GIGABYTES: SyntheticSize = { width: 4096, hidden: 12_288, layers: 5, vocabulary: 126_464 };

/** Ids of the mask and the end, the last of the vocabulary but for padding rows. */
const SPECIALS = ['<|eos|>', '<|mask|>'];
/** Rows of the table without a token, as real ones have. */
const PADDING_ROWS = 64;
/** Random weights at the beginning of every tensor. */
const RANDOM_WEIGHTS = 4096;

/** Writes the checkpoint; returns its architecture and the bytes of its weights. */
export async function writeSynthetic(
  folder: string,
  size: SyntheticSize,
): Promise<{ readonly architecture: Architecture; readonly bytes: number }> {
  await mkdir(folder, { recursive: true });
  const tokens = size.vocabulary - PADDING_ROWS;
  const config = {
    ...{ model_type: 'llada', d_model: size.width, n_heads: size.width / 128, n_layers: size.layers },
    ...{ mlp_hidden_size: size.hidden, vocab_size: size.vocabulary, max_sequence_length: 4096, weight_tying: false },
    ...{ activation_type: 'silu', block_type: 'llama', layer_norm_type: 'rms', rope_theta: 500_000 },
    ...{ mask_token_id: tokens - 1, eos_token_id: tokens - 2 },
  };
  const architecture = parseArchitecture(config);
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer(tokens)));
  await writeFile(join(folder, 'README.md'), '---\nlicense: mit\n---\n');
  return { architecture, bytes: await writeWeights(join(folder, 'model.safetensors'), architecture) };
}

async function writeWeights(path: string, architecture: Architecture): Promise<number> {
  const header: Record<string, unknown> = {};
  const starts: number[] = [];
  let end = 0;
  for (const [name, shape] of expectedShapes(architecture)) {
    const bytes = 2 * shape.reduce((product, length) => product * length, 1);
    header[name] = { dtype: 'BF16', shape, data_offsets: [end, end + bytes] };
    starts.push(end);
    end += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  const begin = prefix.length + text.length;
  const random = seeded(8);
  const handle = await open(path, 'w');
  try {
    await handle.write(Buffer.concat([prefix, text]));
    await handle.truncate(begin + end);
    for (const start of starts) {
      const count = Math.min(RANDOM_WEIGHTS, (end - start) / 2);
      const words = new Uint32Array(Float32Array.from({ length: count }, () => (random() - 0.5) / 16).buffer);
      const halves = Uint16Array.from(words, (word) => word >>> 16);
      await handle.write(new Uint8Array(halves.buffer), 0, 2 * count, begin + start);
    }
  } finally {
    await handle.close();
  }
  return end;
}

/** Byte-level BPE of `count` tokens: bytes, pairs of them, triples, and two special tokens at the end. */
function tokenizer(count: number): object {
  const characters = byteCharacters();
  const words = [...characters];
  const merges: string[] = [];
  for (let left = 0; words.length < count - SPECIALS.length; left++) {
    for (const right of characters) {
      if (words.length === count - SPECIALS.length) break;
      words.push(words[left] + right);
      merges.push(`${words[left]} ${right}`);
    }
  }
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    added_tokens: SPECIALS.map((content, i) => ({ id: count - SPECIALS.length + i, content, special: true })),
    ...{ normalizer: null, pre_tokenizer: byteLevel, post_processor: null, decoder: byteLevel },
    model: { type: 'BPE', vocab: Object.fromEntries(words.map((word, id) => [word, id])), merges },
  };
}

/** The character that writes each byte in a vocabulary (GPT-2). */
function byteCharacters(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCodePoint(printable ? byte : next++);
  });
}

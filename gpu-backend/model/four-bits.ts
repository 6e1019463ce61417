/**
 * Four-bit weights in blocks of 32 (onnxruntime's MatMulNBits; the rounding is that of llama.cpp's Q4_0): each block of a row has a scale,
 * and a weight is (q - 8) x scale, q being 0 to 15.
 */
import type { GraphBuilder } from './onnx.ts';
import { type Precision, settle } from './precision.ts';
import type { Product } from './products.ts';
import type { Weights } from './safetensors.ts';

/** Weights of one scale. Smaller blocks are more exact and larger: 32 take 5 bits a weight, 128 take 4.25. */
export const BLOCK = 32;
/** The value that stands for 0. */
const ZERO = 8;
/** Scales below are taken for zero, so that they are normal float32 numbers. */
const SMALLEST_SCALE = 1e-30;

/** Blocks of a row of `from` weights; the last is filled up with zeros. */
export const blockCount = (from: number) => Math.ceil(from / BLOCK);

/** Names of a product's tensors in the quantised file (quantise.ts). */
export const fourBitWeight = (product: Product) => `${product.name}.int4`;
export const fourBitScale = (product: Product) => `${product.name}.int4_scale`;

/**
 * Quantises rows of `from` weights. `packed` holds rows x blocks x 16 bytes, the even weight of a pair in the low half; `scales` rows x blocks.
 *
 * The weight of largest magnitude becomes -8 exactly, whatever its sign: sixteen values are all used, where a scale of
 * largest / 7 would leave one out.
 * @throws Error where a weight is not a finite number
 */
export function quantiseFourBits(weight: Float32Array, from: number): { packed: Uint8Array; scales: Float32Array } {
  const rows = weight.length / from;
  const blocks = blockCount(from);
  const packed = new Uint8Array((rows * blocks * BLOCK) / 2);
  const scales = new Float32Array(rows * blocks);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const start = row * from + block * BLOCK;
      const count = Math.min(BLOCK, from - block * BLOCK);
      const scale = scaleOf(weight, start, count);
      const index = row * blocks + block;
      scales[index] = scale;
      const inverse = scale === 0 ? 0 : 1 / scale;
      for (let i = 0; i < BLOCK; i += 2) {
        const low = i < count ? quantise(weight[start + i] * inverse) : ZERO;
        const high = i + 1 < count ? quantise(weight[start + i + 1] * inverse) : ZERO;
        packed[(index * BLOCK + i) / 2] = low | (high << 4);
      }
    }
  }
  return { packed, scales };
}

function scaleOf(weight: Float32Array, start: number, count: number): number {
  let most = 0;
  for (let i = start; i < start + count; i++) if (!(Math.abs(weight[i]) <= Math.abs(most))) most = weight[i];
  if (!Number.isFinite(most)) throw new Error('a weight is not a finite number');
  return Math.abs(most) < SMALLEST_SCALE ? 0 : most / -ZERO;
}

const quantise = (steps: number) => Math.min(15, Math.max(0, Math.round(steps) + ZERO));

/** The weights that four bits stand for: the inverse of `quantiseFourBits`, rows x from. */
export function widenFourBits(packed: Uint8Array, scales: Float32Array, from: number): Float32Array {
  const blocks = blockCount(from);
  const values = new Float32Array((scales.length / blocks) * from);
  for (let i = 0; i < values.length; i++) {
    const row = Math.floor(i / from);
    const place = row * blocks * BLOCK + (i % from);
    const pair = packed[place >> 1];
    values[i] = ((place & 1 ? pair >> 4 : pair & 15) - ZERO) * scales[Math.floor(place / BLOCK)];
  }
  return values;
}

/** How MatMulNBits computes: with activations quantised to int8 in blocks of 32, the fast way on a CPU (1 would be in float32). */
const ACCURACY_LEVEL = 4;

/** Products of float32 activations with four-bit weights. */
export function int4Precision(graph: GraphBuilder, weights: Weights): Precision {
  const stored = (name: string) => {
    const tensor = weights.get(name);
    if (tensor === undefined) throw new Error(`the quantised weights hold no tensor ${name}`);
    return graph.stored(tensor);
  };
  return {
    prepare: (rows) => ({ ready: true, value: settle(graph, rows) }),
    multiply(operand, product, bias) {
      const inputs = [operand.value, stored(fourBitWeight(product)), stored(fourBitScale(product))];
      const value = graph.node('MatMulNBits', inputs, {
        K: { int: product.from },
        N: { int: product.to },
        bits: { int: 4 },
        block_size: { int: BLOCK },
        accuracy_level: { int: ACCURACY_LEVEL },
      });
      return { value: bias === undefined ? value : graph.node('Add', [value, bias]) };
    },
  };
}

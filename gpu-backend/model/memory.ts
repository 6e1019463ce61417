/**
 * How much memory a model will take in the service, counted from its shapes.
 */
import type { Architecture } from './architecture.ts';
import type { PrecisionName } from './device.ts';
import { BLOCK, blockCount } from './four-bits.ts';
import { ELEMENT_TYPES, type ElementType } from './onnx.ts';
import { allProducts, otherTensors } from './products.ts';
import type { Weights } from './safetensors.ts';
import { storedForm } from './source.ts';

export type InstalledPrecision = 'float32' | 'bfloat16' | 'int8' | 'int4';

export interface MemoryEstimate {
  /** Bytes of the weights as the runtime holds them. */
  readonly weights: number;
  /** Bytes of one evaluation of `POSITIONS` positions, all of them asked for: the distributions are most of it. */
  readonly evaluation: number;
}

/** Positions of the evaluation that is counted. */
export const POSITIONS = 256;

/** @param stored the type the checkpoint's embedding table and norms are stored in */
export function estimateMemory(
  architecture: Architecture,
  precision: InstalledPrecision | PrecisionName,
  stored: ElementType,
): MemoryEstimate {
  let weights = 0;
  // Gathered from, and never widened as a whole.
  for (const shape of otherTensors(architecture).values()) weights += count(shape) * ELEMENT_TYPES[stored].bytes;
  for (const { from, to } of allProducts(architecture)) weights += productBytes(precision, from, to);
  const { vocabulary, heads, width, hidden, headWidth } = architecture;
  // Logits and probabilities; the scores of one layer's attention; a block's activations.
  const values =
    2 * POSITIONS * vocabulary +
    2 * heads * POSITIONS * POSITIONS +
    POSITIONS * (4 * width + 3 * hidden + 4 * heads * headWidth);
  return { weights, evaluation: values * 4 };
}

/** The bytes that a folder's `weights` take while they are served: what is stored quantised stays so, whatever is asked for. */
export function servedBytes(architecture: Architecture, weights: Weights, asked: PrecisionName): number {
  const embedding = weights.get(architecture.tensors.embedding)?.type ?? 'float32';
  const estimate = estimateMemory(architecture, storedForm(weights) ?? asked, embedding);
  return estimate.weights + estimate.evaluation;
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

// What onnxruntime lays out for its kernels on x64 beside or instead of the stored form (measured: npm run bench -- install).
const INT8_FACTOR = 1.25;
/** A block's half bytes, its scale as stored and as packed, and the sum of its weights. */
const INT4_BLOCK_BYTES = BLOCK / 2 + 3 * 4;

function productBytes(precision: InstalledPrecision | PrecisionName, from: number, to: number): number {
  if (precision === 'int8') return Math.ceil(INT8_FACTOR * from * to) + 4 * to;
  if (precision === 'int4') return to * blockCount(from) * INT4_BLOCK_BYTES;
  if (precision === 'float16') return 2 * from * to;
  // Products are computed in float32: narrower weights are widened once, when the model is loaded.
  return 4 * from * to;
}

/**
 * Reads stored tensors: whole, or as blocks of rows, so that no more than a block is in memory.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredTensor } from './onnx.ts';

/** Bytes of a block as it is read; what is made of it is at most twice as long. */
const BLOCK_BYTES = 1 << 22;

/** Reads a stored tensor's bytes. */
export async function readTensor(folder: string, tensor: StoredTensor): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const { data } of byteBlocks(folder, tensor, Math.max(tensor.bytes, 1))) parts.push(data);
  return parts[0] ?? new Uint8Array(0);
}

/**
 * A tensor's bytes in blocks of at most `size`. Each block lies in a buffer of its own only where there is one block: else the buffer is
 * used again for the next.
 * @throws Error where the file ends early
 */
export async function* byteBlocks(
  folder: string,
  tensor: StoredTensor,
  size = BLOCK_BYTES,
): AsyncGenerator<{ readonly offset: number; readonly data: Uint8Array }> {
  const handle = await open(join(folder, tensor.file), 'r');
  try {
    const buffer = new Uint8Array(Math.min(size, tensor.bytes));
    for (let offset = 0; offset < tensor.bytes; offset += size) {
      const data = buffer.subarray(0, Math.min(size, tensor.bytes - offset));
      for (let filled = 0; filled < data.length; ) {
        const place = tensor.offset + offset + filled;
        const { bytesRead } = await handle.read(data, filled, data.length - filled, place);
        if (bytesRead === 0) throw new Error(`${tensor.file} ends inside a tensor`);
        filled += bytesRead;
      }
      yield { offset, data };
    }
  } finally {
    await handle.close();
  }
}

/** Some rows of a matrix, widened to float32. */
export interface RowBlock {
  readonly firstRow: number;
  readonly rows: number;
  /** rows x columns */
  readonly values: Float32Array;
}

/** A matrix in blocks of whole rows; a block's values hold until the next is asked for. */
export async function* rowBlocks(folder: string, tensor: StoredTensor): AsyncGenerator<RowBlock> {
  const [rows] = tensor.shape;
  const rowBytes = tensor.bytes / rows;
  const rowsAtOnce = Math.max(1, Math.floor(BLOCK_BYTES / rowBytes));
  for await (const { offset, data } of byteBlocks(folder, tensor, rowsAtOnce * rowBytes)) {
    yield { firstRow: offset / rowBytes, rows: data.length / rowBytes, values: toFloat32(data, tensor.type) };
  }
}

/** Widens the bytes of a floating-point tensor to float32. */
export function toFloat32(data: Uint8Array, type: StoredTensor['type']): Float32Array {
  if (type === 'float32') return new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  const halves = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  if (type === 'float16') return Float32Array.from(halves, halfToFloat);
  if (type !== 'bfloat16') throw new Error(`weights of type ${type} cannot be quantised`);
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  return new Float32Array(bits.buffer);
}

/** IEEE 754 binary16 -> number. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Narrows float32 to bfloat16, to the nearest, ties to even; what is not a number stays none. */
export function toBfloat16(values: Float32Array): Uint8Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) {
    const word = bits[i];
    const odd = (word >>> 16) & 1;
    halves[i] = (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : (word + 0x7fff + odd) >>> 16;
  }
  return new Uint8Array(halves.buffer);
}

/**
 * The int8 form of a model: every matrix product's weights as bytes, one scale for each output column, written once.
 *
 * W (out x in) becomes bytes (in x out, as MatMulInteger reads them) and scales (out): scale = largest magnitude of the
 * column / 127, rounding to nearest. Norms and the embedding table stay as they were. With them go the steps of the operands that
 * have one for all rows (calibrate.ts).
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { calibrate } from './calibrate.ts';
import { fileSha256, temporaryName } from './checksum.ts';
import type { Architecture } from './config.ts';
import type { StoredTensor } from './onnx.ts';
import { inputScale, LARGEST, quantisedScale, quantisedWeight } from './precision.ts';
import { allProducts, otherTensors, type Product } from './products.ts';
import { readSafetensorsHeader, type TensorToWrite, type Weights, writeSafetensors } from './safetensors.ts';

/** Changes whenever the form of the file changes, so that an old cache is not read. */
const FORMAT = 2;

/** Reads a stored tensor's bytes. */
export async function readTensor(folder: string, tensor: StoredTensor): Promise<Uint8Array> {
  const handle = await open(join(folder, tensor.file), 'r');
  try {
    const data = new Uint8Array(tensor.bytes);
    let filled = 0;
    while (filled < data.length) {
      const { bytesRead } = await handle.read(data, filled, data.length - filled, tensor.offset + filled);
      if (bytesRead === 0) throw new Error(`${tensor.file} ends inside a tensor`);
      filled += bytesRead;
    }
    return data;
  } finally {
    await handle.close();
  }
}

/** Widens the bytes of a floating-point tensor to float32. */
export function toFloat32(data: Uint8Array, type: StoredTensor['type']): Float32Array {
  if (type === 'float32') return new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  const halves = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  if (type === 'float16') return Float32Array.from(halves, halfToFloat);
  if (type !== 'bfloat16') throw new Error(`weights of type ${type} cannot be quantised`);
  const bits = Uint32Array.from(halves, (half) => half << 16);
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

/** A column with nothing larger counts as zero, so that a scale is a normal float32. */
const SMALLEST = 1e-30;

/** Quantises one matrix, out x in, to bytes in x out and a scale for each of the `to` columns. */
export function quantiseColumns(
  weight: Float32Array,
  from: number,
  to: number,
): { bytes: Int8Array; scales: Float32Array } {
  const bytes = new Int8Array(from * to);
  const scales = new Float32Array(to);
  for (let column = 0; column < to; column++) {
    const row = weight.subarray(column * from, (column + 1) * from);
    let largest = 0;
    for (let i = 0; i < from; i++) largest = Math.max(largest, Math.abs(row[i]));
    if (!Number.isFinite(largest)) throw new Error('a weight is not a finite number');
    const scale = largest >= SMALLEST ? largest / LARGEST : 1;
    scales[column] = scale;
    for (let i = 0; i < from; i++) bytes[i * to + column] = Math.round(row[i] / scale);
  }
  return { bytes, scales };
}

const bytesOf = (data: Int8Array | Float32Array) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

function productToWrite(folder: string, weights: Weights, product: Product): TensorToWrite[] {
  const { from, to } = product;
  let scales: Float32Array = new Float32Array(0);
  return [
    {
      name: quantisedWeight(product),
      type: 'int8',
      shape: [from, to],
      async data() {
        const tensor = requireTensor(weights, product.weight);
        const values = toFloat32(await readTensor(folder, tensor), tensor.type);
        const quantised = quantiseColumns(values, from, to);
        scales = quantised.scales;
        return bytesOf(quantised.bytes);
      },
    },
    { name: quantisedScale(product), type: 'float32', shape: [to], data: async () => bytesOf(scales) },
  ];
}

function requireTensor(weights: Weights, name: string): StoredTensor {
  const tensor = weights.get(name);
  if (tensor === undefined) throw new Error(`the weights hold no tensor ${name}`);
  return tensor;
}

/**
 * The int8 form of the model in `folder`: taken from `cacheFolder`, or made and put there (whole or not at all).
 * Returns the folder the file lies in and its tensors.
 */
export async function quantisedWeights(
  folder: string,
  architecture: Architecture,
  weights: Weights,
  cacheFolder: string,
): Promise<{ readonly folder: string; readonly weights: Weights }> {
  const key = createHash('sha256')
    .update(`${FORMAT}\n`)
    .update(await readFile(join(folder, 'config.json')));
  for (const file of new Set([...weights.values()].map((tensor) => tensor.file))) {
    key.update(await fileSha256(join(folder, file), cacheFolder));
  }
  const name = `int8-${key.digest('hex').slice(0, 32)}.safetensors`;
  const path = join(cacheFolder, name);
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (!exists) {
    const others = [...otherTensors(architecture).keys()].map((tensorName): TensorToWrite => {
      const tensor = requireTensor(weights, tensorName);
      return { name: tensorName, type: tensor.type, shape: tensor.shape, data: () => readTensor(folder, tensor) };
    });
    const products = allProducts(architecture).flatMap((product) => productToWrite(folder, weights, product));
    const steps = await calibrate(folder, architecture, weights);
    const inputs = allProducts(architecture)
      .filter(({ name: product }) => steps.has(product))
      .map((product): TensorToWrite => {
        const data = bytesOf(Float32Array.of(steps.get(product.name)!));
        return { name: inputScale(product), type: 'float32', shape: [], data: async () => data };
      });
    await mkdir(cacheFolder, { recursive: true });
    const temporary = temporaryName(path);
    try {
      await writeSafetensors(temporary, [...others, ...products, ...inputs]);
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
  }
  return { folder: cacheFolder, weights: await readSafetensorsHeader(cacheFolder, name) };
}

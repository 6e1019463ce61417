/**
 * The quantised forms of a model: every matrix product's weights as bytes (int8) or half bytes (int4), written once. Norms, biases and
 * the embedding table stay as they were. A matrix is read in blocks of rows, so memory does not grow with the model.
 *
 * int8: W (out x in) becomes bytes (in x out, as MatMulInteger reads them) and scales (out): scale = largest magnitude of the
 * column / 127, rounding to nearest. With them go the steps of the operands that have one for all rows (calibrate.ts). int4: four-bits.ts.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { calibrate } from './calibrate.ts';
import { fileSha256, temporaryName } from './checksum.ts';
import type { Architecture } from './config.ts';
import { BLOCK, blockCount, fourBitScale, fourBitWeight, quantiseFourBits } from './four-bits.ts';
import type { ReportLoad } from './loading.ts';
import type { StoredTensor } from './onnx.ts';
import { inputScale, LARGEST, quantisedScale, quantisedWeight } from './precision.ts';
import { allProducts, otherTensors, type Product } from './products.ts';
import { readSafetensorsHeader, type TensorToWrite, type Weights, writeSafetensors } from './safetensors.ts';
import { byteBlocks, rowBlocks } from './tensor-data.ts';

export type QuantisedForm = 'int8' | 'int4';

/** Changes whenever the form of the file changes, so that an old cache is not read. */
const FORMAT = 2;

/** A column with nothing larger counts as zero, so that a scale is a normal float32. */
export const SMALLEST = 1e-30;

/** Columns quantised together, so that bytes that lie side by side are written together. */
const TILE = 16;

/** Quantises one matrix, out x in, to bytes in x out and a scale for each of the `to` columns. */
export function quantiseColumns(
  weight: Float32Array,
  from: number,
  to: number,
): { bytes: Int8Array; scales: Float32Array } {
  const bytes = new Int8Array(from * to);
  const scales = new Float32Array(to);
  for (let column = 0; column < to; column++) scales[column] = scaleOf(weight, column * from, from);
  for (let first = 0; first < to; first += TILE) {
    const end = Math.min(first + TILE, to);
    for (let i = 0; i < from; i++) {
      for (let column = first; column < end; column++) {
        bytes[i * to + column] = Math.round(weight[column * from + i] / scales[column]);
      }
    }
  }
  return { bytes, scales };
}

function scaleOf(weight: Float32Array, start: number, count: number): number {
  let largest = 0;
  for (let i = start; i < start + count; i++) largest = Math.max(largest, Math.abs(weight[i]));
  if (!Number.isFinite(largest)) throw new Error('a weight is not a finite number');
  return largest >= SMALLEST ? largest / LARGEST : 1;
}

const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Scales from the tensor they are found with to the one they are written as; those of no more than one matrix are in memory. */
function carried() {
  let scales = new Float32Array(0);
  return {
    start(count: number): Float32Array {
      scales = new Float32Array(count);
      return scales;
    },
    async take(): Promise<Uint8Array> {
      const data = bytesOf(scales);
      scales = new Float32Array(0);
      return data;
    },
  };
}

function int8ToWrite(folder: string, weights: Weights, product: Product): TensorToWrite[] {
  const { from, to } = product;
  const scales = carried();
  return [
    {
      ...{ name: quantisedWeight(product), type: 'int8', shape: [from, to] },
      async stream(sink) {
        const found = scales.start(to);
        for await (const { firstRow, rows, values } of rowBlocks(folder, requireTensor(weights, product.weight))) {
          const block = quantiseColumns(values, from, rows);
          found.set(block.scales, firstRow);
          // The block's rows are columns of the file.
          const bytes = bytesOf(block.bytes);
          for (let i = 0; i < from; i++) sink.write(i * to + firstRow, bytes.subarray(i * rows, (i + 1) * rows));
        }
      },
    },
    { name: quantisedScale(product), type: 'float32', shape: [to], data: scales.take },
  ];
}

function int4ToWrite(folder: string, weights: Weights, product: Product): TensorToWrite[] {
  const { from, to } = product;
  const blocks = blockCount(from);
  const scales = carried();
  return [
    {
      ...{ name: fourBitWeight(product), type: 'uint8', shape: [to, blocks, BLOCK / 2] },
      async stream(sink) {
        const found = scales.start(to * blocks);
        for await (const { firstRow, values } of rowBlocks(folder, requireTensor(weights, product.weight))) {
          const block = quantiseFourBits(values, from);
          found.set(block.scales, firstRow * blocks);
          sink.write((firstRow * blocks * BLOCK) / 2, block.packed);
        }
      },
    },
    { name: fourBitScale(product), type: 'float32', shape: [to, blocks], data: scales.take },
  ];
}

function requireTensor(weights: Weights, name: string): StoredTensor {
  const tensor = weights.get(name);
  if (tensor === undefined) throw new Error(`the weights hold no tensor ${name}`);
  return tensor;
}

/** A tensor copied as it is, block by block. */
export function copyToWrite(folder: string, name: string, tensor: StoredTensor): TensorToWrite {
  return {
    ...{ name, type: tensor.type, shape: tensor.shape },
    async stream(sink) {
      for await (const { offset, data } of byteBlocks(folder, tensor)) sink.write(offset, data);
    },
  };
}

/**
 * The tensors of a model's quantised form, to be made of its `weights` in `folder`.
 *
 * @param steps of int8's operands that have one for all rows (calibrate.ts)
 */
export function quantisedTensors(
  folder: string,
  architecture: Architecture,
  weights: Weights,
  form: QuantisedForm,
  steps: ReadonlyMap<string, number> = new Map(),
): TensorToWrite[] {
  const others = [...otherTensors(architecture).keys()].map((name) =>
    copyToWrite(folder, name, requireTensor(weights, name)),
  );
  const toWrite = form === 'int8' ? int8ToWrite : int4ToWrite;
  const products = allProducts(architecture);
  const inputs = products
    .filter(({ name }) => steps.has(name))
    .map((product): TensorToWrite => {
      const data = bytesOf(Float32Array.of(steps.get(product.name)!));
      return { name: inputScale(product), type: 'float32', shape: [], data: async () => data };
    });
  return [...others, ...products.flatMap((product) => toWrite(folder, weights, product)), ...inputs];
}

/**
 * The quantised form of the model in `folder`: taken from `cacheFolder`, or made and put there (whole or not at all).
 * Returns the folder the file lies in and its tensors.
 */
export async function quantisedWeights(
  folder: string,
  architecture: Architecture,
  weights: Weights,
  cacheFolder: string,
  form: QuantisedForm = 'int8',
  report: ReportLoad = () => {},
): Promise<{ readonly folder: string; readonly weights: Weights }> {
  const key = createHash('sha256')
    .update(`${FORMAT}\n`)
    .update(await readFile(join(folder, 'config.json')));
  for (const file of new Set([...weights.values()].map((tensor) => tensor.file))) {
    key.update(await fileSha256(join(folder, file), cacheFolder));
  }
  const name = `${form}-${key.digest('hex').slice(0, 32)}.safetensors`;
  const path = join(cacheFolder, name);
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (!exists) {
    report('quantising', 0, 1);
    const steps = form === 'int8' ? await calibrate(folder, architecture, weights) : undefined;
    await mkdir(cacheFolder, { recursive: true });
    const temporary = temporaryName(path);
    try {
      const tensors = quantisedTensors(folder, architecture, weights, form, steps);
      await writeSafetensors(temporary, tensors, (done, total) => report('quantising', done, total));
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
  }
  return { folder: cacheFolder, weights: await readSafetensorsHeader(cacheFolder, name) };
}

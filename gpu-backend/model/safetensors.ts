/**
 * The safetensors container: eight bytes of header length, a JSON header of names, types, shapes and offsets, then raw data.
 * (https://github.com/huggingface/safetensors#format)
 */
import { writeSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ELEMENT_TYPES, type ElementType, type StoredTensor } from './onnx.ts';

const TYPES: Readonly<Record<string, ElementType>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I8: 'int8',
  U8: 'uint8',
  I32: 'int32',
  I64: 'int64',
};
const TYPE_NAMES = Object.fromEntries(Object.entries(TYPES).map(([name, type]) => [type, name]));

/** The format's own bound on a header, against files that are something else. */
const MAX_HEADER_BYTES = 100_000_000;
const PREFIX_BYTES = 8;

export type Weights = ReadonlyMap<string, StoredTensor>;

function parseEntry(file: string, name: string, entry: unknown, dataStart: number, fileBytes: number): StoredTensor {
  const fail = (what: string) => new Error(`${file}: tensor ${name} ${what}`);
  if (typeof entry !== 'object' || entry === null) throw fail('has no description');
  const { dtype, shape, data_offsets: offsets } = entry as Record<string, unknown>;
  const type = typeof dtype === 'string' ? TYPES[dtype] : undefined;
  if (type === undefined) throw fail(`has type ${String(dtype)}; readable are ${Object.keys(TYPES).join(', ')}`);
  const natural = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0;
  if (!Array.isArray(shape) || !shape.every(natural)) throw fail('has no valid shape');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(natural)) throw fail('has no valid offsets');
  const [begin, end] = offsets;
  const bytes = tensorBytes({ shape, type });
  if (end - begin !== bytes) throw fail(`takes ${end - begin} bytes; its shape and type need ${bytes}`);
  if (dataStart + end > fileBytes) throw fail(`ends at byte ${dataStart + end} of a file of ${fileBytes}`);
  return { file, offset: dataStart + begin, bytes, type, shape };
}

/**
 * Reads the header of `folder/file`: every tensor by name, with its place in the file.
 * @throws Error naming file and tensor where the header is not valid or points outside the file.
 */
export async function readSafetensorsHeader(folder: string, file: string): Promise<Map<string, StoredTensor>> {
  const handle = await open(join(folder, file), 'r');
  try {
    const { size } = await handle.stat();
    const prefix = Buffer.alloc(PREFIX_BYTES);
    const { bytesRead } = await handle.read(prefix, 0, PREFIX_BYTES, 0);
    const length = bytesRead === PREFIX_BYTES ? Number(prefix.readBigUInt64LE()) : Number.NaN;
    if (!(length <= Math.min(MAX_HEADER_BYTES, size - PREFIX_BYTES)))
      throw new Error(`${file}: not a safetensors file`);
    const text = Buffer.alloc(length);
    await handle.read(text, 0, length, PREFIX_BYTES);
    const header: unknown = JSON.parse(text.toString('utf8'));
    if (typeof header !== 'object' || header === null) throw new Error(`${file}: the header is not an object`);
    const tensors = new Map<string, StoredTensor>();
    for (const [name, entry] of Object.entries(header)) {
      if (name !== '__metadata__') tensors.set(name, parseEntry(file, name, entry, PREFIX_BYTES + length, size));
    }
    return tensors;
  } finally {
    await handle.close();
  }
}

/** Reads the headers of all safetensors files (shards) of a folder into one table. */
export async function readWeights(folder: string): Promise<Weights> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.safetensors')).sort();
  if (files.length === 0) throw new Error('the model folder holds no .safetensors file');
  const weights = new Map<string, StoredTensor>();
  for (const file of files) {
    for (const [name, tensor] of await readSafetensorsHeader(folder, file)) weights.set(name, tensor);
  }
  return weights;
}

/** Takes the bytes of one tensor, in any order of places. */
export interface TensorSink {
  /** Writes `data` at byte `offset` of the tensor. */
  write(offset: number, data: Uint8Array): void;
}

/** A tensor to be written; one that is made piece by piece is never in memory whole. */
export type TensorToWrite = {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
} & (
  | { /** Called once, when its turn comes. */ data(): Promise<Uint8Array> }
  | { /** Called once, when its turn comes; must write every byte. */ stream(sink: TensorSink): Promise<void> }
);

/** How long a tensor is. */
export function tensorBytes({ shape, type }: Pick<TensorToWrite, 'shape' | 'type'>): number {
  return shape.reduce((product, size) => product * size, ELEMENT_TYPES[type].bytes);
}

/** Data starts and every tensor begins at a multiple of this, so that mapped weights are aligned for any vector unit. */
const ALIGNMENT = 64;

/**
 * Writes `tensors` to `path` as a safetensors file, one after the other.
 * @param seen told how many of how many bytes are written, after each tensor
 * @throws Error where a tensor's data is not as long as its shape and type say.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  seen: (done: number, total: number, tensor: TensorToWrite) => void = () => {},
): Promise<void> {
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const tensor of tensors) {
    const { name, type, shape } = tensor;
    const begin = end;
    end += tensorBytes(tensor);
    header[name] = { dtype: TYPE_NAMES[type], shape, data_offsets: [begin, end] };
  }
  const text = JSON.stringify(header);
  const padded = Math.ceil((PREFIX_BYTES + Buffer.byteLength(text)) / ALIGNMENT) * ALIGNMENT - PREFIX_BYTES;
  const start = Buffer.alloc(PREFIX_BYTES + padded, ' ');
  start.writeBigUInt64LE(BigInt(padded), 0);
  start.write(text, PREFIX_BYTES);
  const handle = await open(path, 'w');
  try {
    await handle.writeFile(start);
    let begin = start.length;
    for (const tensor of tensors) {
      const bytes = tensorBytes(tensor);
      const written = await writeTensor(handle.fd, begin, bytes, tensor);
      if (written !== bytes) throw new Error(`${tensor.name}: ${written} bytes given, ${bytes} needed`);
      begin += bytes;
      seen(begin - start.length, end, tensor);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Returns how many bytes came. Synchronous writes: a quantised matrix is half a million small ones. */
async function writeTensor(file: number, begin: number, bytes: number, tensor: TensorToWrite): Promise<number> {
  let written = 0;
  const write = (offset: number, data: Uint8Array) => {
    if (offset + data.length > bytes) throw new Error(`${tensor.name}: more than its ${bytes} bytes given`);
    for (let done = 0; done < data.length; ) {
      done += writeSync(file, data, done, data.length - done, begin + offset + done);
    }
    written += data.length;
  };
  if ('data' in tensor) write(0, await tensor.data());
  else await tensor.stream({ write });
  return written;
}

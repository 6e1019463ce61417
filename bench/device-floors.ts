/**
 * What a device does at best: the rate of its matrix products and of its copies, measured through onnxruntime on that device.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type Device, onDevice, type PrecisionName } from '../gpu-backend/model/device.ts';
import { toHalf } from '../gpu-backend/model/float16.ts';
import { type GraphBuilder, graphBuilder, type Value } from '../gpu-backend/model/onnx.ts';
import { runtimeOptions } from '../gpu-backend/model/runtime.ts';

/** Operations that depend on each other, so that what a run costs besides is spread over them. */
const CHAIN = 16;
/** A run this long is timed well enough. */
const ENOUGH_MS = 30;
const SIDES = { least: 256, most: 8192 };
/** float32 elements of what is copied: WebGPU binds no more than 128 MiB by default; elsewhere ten times an H100's cache. */
const ELEMENTS = { least: 1 << 18, webgpu: 1 << 25, most: 1 << 27 };

/** A measurement that can be repeated: `run` takes one, `amount` says what it moved or multiplied. */
export interface Floor {
  readonly run: () => Promise<unknown>;
  /** Floating-point operations, or bytes. */
  readonly amount: number;
  readonly release: () => Promise<void>;
}

function scalarOutput(graph: GraphBuilder, value: Value, axes: number): void {
  const ints = (fill: bigint) => graph.constant(new BigInt64Array(axes).fill(fill), [axes]);
  const first = graph.node('Slice', [value, ints(0n), ints(1n)]);
  graph.output(graph.node('Cast', [first], { to: { int: 1 } }, 'first'), 'float32', new Array<number>(axes).fill(1));
}

/** x W W ... W for square matrices of random numbers. */
function productsGraph(side: number, half: boolean): Uint8Array {
  const graph = graphBuilder();
  const deviation = Math.sqrt(3 / side); // uniform numbers: the products neither grow nor vanish
  let state = 1;
  const numbers = Float32Array.from({ length: side * side }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * deviation;
  });
  const scale = graph.input('scale', 'float32', [1]);
  const stored = graph.constant(numbers, [side, side]);
  const weight = half ? toHalf(graph, stored) : stored;
  let value = graph.node('Mul', [weight, half ? toHalf(graph, scale) : scale]);
  for (let i = 0; i < CHAIN; i++) value = graph.node('Gemm', [value, weight], { transB: { int: 1 } });
  scalarOutput(graph, value, 2);
  return graph.encode();
}

/** A vector read and written again and again. */
function copiesGraph(elements: number): Uint8Array {
  const graph = graphBuilder();
  const scale = graph.input('scale', 'float32', [1]);
  let value = graph.node('Expand', [scale, graph.constant(BigInt64Array.of(BigInt(elements)), [1])]);
  for (let i = 0; i < CHAIN; i++) value = graph.node(i % 2 === 0 ? 'Neg' : 'Abs', [value]);
  scalarOutput(graph, value, 1);
  return graph.encode();
}

async function open(device: Device, graph: Uint8Array, amount: number): Promise<Floor> {
  const options = runtimeOptions({ device, threads: 1 }, '.');
  const session = await onDevice(device, () => InferenceSession.create(graph, options));
  const feeds = { scale: new Tensor('float32', Float32Array.of(1), [1]) };
  return { amount, run: () => onDevice(device, () => session.run(feeds)), release: () => session.release() };
}

/** Doubles the size until a run takes long enough. */
async function largeEnough(least: number, most: number, at: (size: number) => Promise<Floor>): Promise<Floor> {
  for (let size = least; ; size *= 2) {
    const floor = await at(size);
    await floor.run(); // programs are compiled at the first
    const start = performance.now();
    await floor.run();
    if (size >= most || performance.now() - start >= ENOUGH_MS) return floor;
    await floor.release();
  }
}

/** Matrix products in the precision of the device's graph; amount in floating-point operations (two a multiplication). */
export function matrixFloor(device: Device, precision: PrecisionName): Promise<Floor> {
  return largeEnough(SIDES.least, SIDES.most, (side) =>
    open(device, productsGraph(side, precision === 'float16'), 2 * side ** 3 * CHAIN),
  );
}

/** Copies; amount in bytes, read and written both counted. */
export function copyFloor(device: Device): Promise<Floor> {
  const most = device === 'webgpu' ? ELEMENTS.webgpu : ELEMENTS.most;
  return largeEnough(ELEMENTS.least, most, (elements) =>
    open(device, copiesGraph(elements), 4 * elements * (2 * CHAIN + 1)),
  );
}

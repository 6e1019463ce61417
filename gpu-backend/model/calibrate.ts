/**
 * Measures which operands of a model one quantisation step suits at every row.
 *
 * Canvases of random tokens under random masks go through the float32 graph. How far the largest magnitude of a row strays from
 * row to row tells whether the row's own maximum is worth finding at every step: behind a norm it hardly strays, in front of the
 * last product of a block it does. Random tokens serve as well as text: on the shipped model their ranges agree within a quarter,
 * what lies beyond is cut, and the bound on held-out text is that of steps for each row within 0.02% (measured).
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Architecture } from './config.ts';
import { buildGraph, INPUTS } from './graph.ts';
import { LARGEST } from './precision.ts';
import { allProducts } from './products.ts';
import { runtimeOptions } from './runtime.ts';
import type { Weights } from './safetensors.ts';
import { countParameters } from './shapes.ts';

const CANVASES = 16;
const LENGTH = 128;
/** One step suits all rows where the largest row is within so many times the middle one: 2 of 8 bits, at the rare row. */
const MOST_STRAY = 4;
/** Parameters from which on the float32 graph is not run: every operand then keeps a step for each row. */
const MOST_PARAMETERS = 250_000_000;

/** Numbers in [0, 1), the same at every call: Knuth's MMIX generator, the upper bits. */
function numbers(): () => number {
  let state = 1n;
  return () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number(state >> 32n) / 2 ** 32;
  };
}

/**
 * The quantisation step of each operand that has one for all rows, by the name of a product that reads it.
 *
 * @param folder where the files of `weights` lie
 */
export async function calibrate(
  folder: string,
  architecture: Architecture,
  weights: Weights,
): Promise<ReadonlyMap<string, number>> {
  if (countParameters(architecture) > MOST_PARAMETERS) return new Map();
  const graph = buildGraph({ architecture, weights, precision: 'float32', cpu: true, output: 'ranges', forbidden: [] });
  const session = await InferenceSession.create(graph, runtimeOptions({ device: 'cpu', threads: 1 }, folder));
  try {
    return stepsOf(await session.run(feeds(architecture)), architecture);
  } finally {
    await session.release();
  }
}

function feeds({ vocabulary, maskToken, context }: Architecture): Record<string, Tensor> {
  const length = Math.min(LENGTH, context);
  const random = numbers();
  const ids = new Int32Array(CANVASES * length);
  for (let canvas = 0; canvas < CANVASES; canvas++) {
    const share = random();
    for (let i = canvas * length; i < (canvas + 1) * length; i++) {
      // An encoder's config.json does not name its mask.
      const masked = random() < share && maskToken !== undefined;
      ids[i] = masked ? maskToken : Math.floor(random() * vocabulary);
    }
  }
  const rows = ids.map((_, i) => i);
  const positions = BigInt64Array.from(rows, (row) => BigInt(row % length));
  return {
    [INPUTS.ids]: new Tensor('int32', ids, [CANVASES, length]),
    [INPUTS.padding]: new Tensor('float32', new Float32Array(CANVASES * length), [CANVASES, 1, 1, length]),
    [INPUTS.queries]: new Tensor('int64', positions, [CANVASES, length]),
    [INPUTS.queryRows]: new Tensor('int32', rows, [CANVASES * length]),
  };
}

function stepsOf(ranges: InferenceSession.OnnxValueMapType, architecture: Architecture): Map<string, number> {
  const steps = new Map<string, number>();
  for (const { name } of allProducts(architecture)) {
    const largest = ranges[name]?.data;
    if (!(largest instanceof Float32Array)) continue; // not the first reader of its operand, or the head
    const sorted = largest.slice().sort();
    const most = sorted[sorted.length - 1];
    const middle = sorted[sorted.length >> 1];
    if (middle > 0 && most <= MOST_STRAY * middle) steps.set(name, most / LARGEST);
  }
  return steps;
}

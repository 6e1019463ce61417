/**
 * How matrix products are carried out: the one thing in which the graphs of float32, int8 and float16 (float16.ts) differ.
 *
 * A result may still owe a factor for each row (`scale`): int8 rows carry one, and where the next operation commutes with it
 * (another quantisation, a product with something else) it never has to be multiplied in.
 */
import { ELEMENT_TYPES, type GraphBuilder, type Value } from './onnx.ts';
import type { Product } from './products.ts';
import type { Weights } from './safetensors.ts';

/** A matrix, rows x columns: `value`, each row times `scale` (rows x 1, not negative) where there is one. */
export interface Rows {
  readonly value: Value;
  readonly scale?: Value;
  /** True where the values are float16 (float16.ts). */
  readonly half?: boolean;
}

/** Rows made ready to be multiplied, once for all the products that read them. */
export interface Operand extends Rows {
  readonly ready: true;
  /** One factor for all rows, where the operand's range was measured beforehand. */
  readonly inputScale?: Value;
}

export interface Precision {
  /** `reader`: a product that reads the operand, by which its range was measured (calibrate.ts). */
  prepare(rows: Rows, reader: Product): Operand;
  /** `bias` (per column, 0 or -inf: what no positive scale changes) is added on the way. */
  multiply(operand: Operand, product: Product, bias?: Value): Rows;
}

/** The matrix with its scale multiplied in. */
export function settle(graph: GraphBuilder, rows: Rows): Value {
  return rows.scale === undefined ? rows.value : graph.node('Mul', [rows.value, rows.scale]);
}

/** The matrix in float32, with its scale multiplied in. */
export function widen(graph: GraphBuilder, rows: Rows): Value {
  const settled = settle(graph, rows);
  return rows.half === true ? graph.node('Cast', [settled], { to: { int: ELEMENT_TYPES.float32.onnx } }) : settled;
}

/** A stored tensor as float32; where it is stored smaller, onnxruntime widens it once, when it loads the graph. */
export function floatTensor(graph: GraphBuilder, weights: Weights, name: string): Value {
  const tensor = weights.get(name);
  if (tensor === undefined) throw new Error(`the weights hold no tensor ${name}`);
  const value = graph.stored(tensor);
  return tensor.type === 'float32' ? value : graph.node('Cast', [value], { to: { int: 1 } });
}

/** Some rows of an operand, by their indices. */
export function gatherRows(graph: GraphBuilder, operand: Operand, indices: Value): Operand {
  const gather = (value: Value) => graph.node('Gather', [value, indices], { axis: { int: 0 } });
  return {
    ...operand,
    value: gather(operand.value),
    ...(operand.scale === undefined ? {} : { scale: gather(operand.scale) }),
  };
}

/** Products in float32, straight from the tensors of the folder (out x in, hence transB). */
export function float32Precision(graph: GraphBuilder, weights: Weights): Precision {
  return {
    prepare: (rows) => ({ ready: true, value: settle(graph, rows) }),
    multiply(operand, product, bias) {
      const inputs = [operand.value, floatTensor(graph, weights, product.weight)];
      return { value: graph.node('Gemm', bias === undefined ? inputs : [...inputs, bias], { transB: { int: 1 } }) };
    },
  };
}

/** Zero point of the unsigned activations; onnxruntime is 10 times slower where both sides are signed (measured). */
const ZERO_POINT = 128;
/** Largest magnitude of a quantised value; symmetric, so that -128 is never used. */
export const LARGEST = 127;

/** Names of a product's tensors in the quantised file (quantise.ts). */
export const quantisedWeight = (product: Product) => `${product.name}.int8`;
export const quantisedScale = (product: Product) => `${product.name}.scale`;
/** Step of the bytes of what a product reads, where one step suits every row (calibrate.ts). */
export const inputScale = (product: Product) => `${product.name}.input_scale`;

/**
 * Products of bytes: each row of x is quantised by a measured step where there is one and by its own largest magnitude otherwise,
 * each column of W by its own. A row's numbers then depend on no other row, and integer sums are exact, so a result is the
 * same bit for bit in any batch. A measured step saves six operators a product (an eighth of a step of 128 positions, measured).
 *
 * All operands of one `Precision` must have the same number of rows: they share the vector of zero points.
 */
export function int8Precision(graph: GraphBuilder, weights: Weights): Precision {
  const lastAxis = graph.constant(BigInt64Array.of(-1n), [1]);
  const step = graph.constant(Float32Array.of(1 / LARGEST), []);
  const one = graph.constant(Float32Array.of(1), []);
  const zeroPoint = graph.constant(Uint8Array.of(ZERO_POINT), []);
  let zeroPoints: Value | undefined;
  const stored = (name: string) => {
    const tensor = weights.get(name);
    if (tensor === undefined) throw new Error(`the quantised weights hold no tensor ${name}`);
    return graph.stored(tensor);
  };
  return {
    prepare(rows, reader) {
      const measured = weights.get(inputScale(reader));
      if (measured !== undefined) {
        const step = graph.stored(measured);
        const value = graph.node('QuantizeLinear', [settle(graph, rows), step, zeroPoint]);
        return { ready: true, value, inputScale: step };
      }
      const largest = graph.node('ReduceMax', [graph.node('Abs', [rows.value]), lastAxis], { keepdims: { int: 0 } });
      // A row of zeros has scale 0 and whatever bytes; 0 times any of them is right again.
      const scale = graph.node('Mul', [largest, step]);
      zeroPoints ??= graph.node('Expand', [zeroPoint, graph.node('Shape', [scale])]);
      const value = graph.node('QuantizeLinear', [rows.value, scale, zeroPoints], { axis: { int: 0 } });
      const column = graph.node('Unsqueeze', [scale, lastAxis]);
      return { ready: true, value, scale: settle(graph, { value: column, scale: rows.scale }) };
    },
    multiply(operand, product, bias) {
      const weight = stored(quantisedWeight(product));
      const inputs = [operand.value, weight, operand.inputScale ?? one, stored(quantisedScale(product)), zeroPoint];
      const value = graph.node('MatMulIntegerToFloat', bias === undefined ? inputs : [...inputs, '', bias]);
      return { value, scale: operand.scale };
    },
  };
}

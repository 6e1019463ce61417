/**
 * How a matrix product is carried out: the one thing in which the float32 and the int8 graph differ.
 *
 * A result may still owe a factor for each row (`scale`): int8 rows carry one, and where the next operation commutes with it
 * (another quantisation, a product with something else) it never has to be multiplied in.
 */
import type { GraphBuilder, Value } from './onnx.ts';
import type { Product } from './products.ts';
import type { Weights } from './safetensors.ts';

/** A matrix, rows x columns: `value`, each row times `scale` (rows x 1, positive) where there is one. */
export interface Rows {
  readonly value: Value;
  readonly scale?: Value;
}

/** Carries out products. `bias` (per column, 0 or -inf: what any positive scale leaves alone) is added on the way. */
export interface Precision {
  multiply(rows: Rows, product: Product, bias?: Value): Rows;
}

/** The matrix with its scale multiplied in. */
export function settle(graph: GraphBuilder, rows: Rows): Value {
  return rows.scale === undefined ? rows.value : graph.node('Mul', [rows.value, rows.scale]);
}

/** A stored tensor as float32. onnxruntime casts and stacks weights once, when it loads the graph. */
export function floatTensor(graph: GraphBuilder, weights: Weights, name: string): Value {
  const tensor = weights.get(name);
  if (tensor === undefined) throw new Error(`the weights hold no tensor ${name}`);
  const value = graph.stored(tensor);
  return tensor.type === 'float32' ? value : graph.node('Cast', [value], { to: { int: 1 } });
}

/** Products in float32, straight from the tensors of the folder (out x in, hence transB). */
export function float32Precision(graph: GraphBuilder, weights: Weights): Precision {
  return {
    multiply(rows, product, bias) {
      const parts = product.parts.map((part) => floatTensor(graph, weights, part));
      const weight = parts.length === 1 ? parts[0] : graph.node('Concat', parts, { axis: { int: 0 } });
      const inputs = [settle(graph, rows), weight];
      return { value: graph.node('Gemm', bias === undefined ? inputs : [...inputs, bias], { transB: { int: 1 } }) };
    },
  };
}

/** Zero point of the unsigned activations: processors multiply unsigned by signed bytes. */
const ZERO_POINT = 128;
/** Largest magnitude of a quantised value; symmetric, so that -128 is never used. */
export const LARGEST = 127;
/** Below this a row counts as zero: keeps the scale a positive normal number. */
const SMALLEST_MAXIMUM = 1e-20;

/** Names of a product's tensors in the quantised file (quantise.ts). */
export const quantisedWeight = (product: Product) => `${product.name}.int8`;
export const quantisedScale = (product: Product) => `${product.name}.scale`;

/**
 * Products of bytes: each row of x is quantised by its own largest magnitude, each column of W by its own. A row's numbers
 * then depend on no other row, and integer sums are exact, so a result is the same bit for bit in any batch.
 */
export function int8Precision(graph: GraphBuilder, weights: Weights): Precision {
  const lastAxis = graph.constant(BigInt64Array.of(-1n), [1]);
  const step = graph.constant(Float32Array.of(1 / LARGEST), []);
  const smallest = graph.constant(Float32Array.of(SMALLEST_MAXIMUM), []);
  const one = graph.constant(Float32Array.of(1), []);
  const zeroPoint = graph.constant(Uint8Array.of(ZERO_POINT), []);
  const stored = (name: string) => {
    const tensor = weights.get(name);
    if (tensor === undefined) throw new Error(`the quantised weights hold no tensor ${name}`);
    return graph.stored(tensor);
  };
  return {
    multiply(rows, product, bias = '') {
      const maximum = graph.node('ReduceMax', [graph.node('Abs', [rows.value]), lastAxis], { keepdims: { int: 1 } });
      const rowScale = graph.node('Mul', [graph.node('Max', [maximum, smallest]), step]);
      const bytes = graph.node('QuantizeLinear', [graph.node('Div', [rows.value, rowScale]), one, zeroPoint]);
      const inputs = [
        bytes,
        stored(quantisedWeight(product)),
        one,
        stored(quantisedScale(product)),
        zeroPoint,
        '',
        bias,
      ];
      const value = graph.node('MatMulIntegerToFloat', bias === '' ? inputs.slice(0, 5) : inputs);
      return { value, scale: rows.scale === undefined ? rowScale : graph.node('Mul', [rowScale, rows.scale]) };
    },
  };
}

/**
 * Writes ONNX graphs: nodes and weights in, the bytes of a ModelProto out.
 *
 * Weights may stay where they are: a stored tensor is a file, an offset and a length, which onnxruntime maps into memory
 * ("external data", ONNX IR specification). Operators of the domain com.microsoft are onnxruntime's fused ones
 * (its docs/ContribOperators.md).
 */
import onnxProto, { type onnx } from 'onnx-proto';

const { ModelProto, TensorProto, AttributeProto } = onnxProto.onnx;

/** Opset 21 is the first whose QuantizeLinear takes an output type; IR 10 is the version that came with it. */
const OPSET = 21;
const IR_VERSION = 10;
const MICROSOFT = 'com.microsoft';

/** The operators we use that belong to onnxruntime's own domain. */
const CONTRIBUTED: ReadonlySet<string> = new Set([
  'SkipSimplifiedLayerNormalization',
  'SkipLayerNormalization',
  'RotaryEmbedding',
  'MultiHeadAttention',
  'QuickGelu',
  'MatMulIntegerToFloat',
  'MatMulNBits',
  'FusedMatMul',
]);

export const ELEMENT_TYPES = {
  float32: { onnx: 1, bytes: 4 },
  uint8: { onnx: 2, bytes: 1 },
  int8: { onnx: 3, bytes: 1 },
  int32: { onnx: 6, bytes: 4 },
  int64: { onnx: 7, bytes: 8 },
  float16: { onnx: 10, bytes: 2 },
  bfloat16: { onnx: 16, bytes: 2 },
} as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

/** A tensor that lies in a file: `bytes` bytes from `offset` on, row-major, little-endian. */
export interface StoredTensor {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly type: ElementType;
  readonly shape: readonly number[];
}

/** The name of a value inside the graph under construction. */
export type Value = string;

export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly string: string };
export type Attributes = Readonly<Record<string, Attribute>>;

export interface GraphBuilder {
  /** Declares an input; a string in `shape` is a dynamic axis. */
  input(name: string, type: ElementType, shape: readonly (number | string)[]): Value;
  /** Declares `value` an output of the graph. */
  output(value: Value, type: ElementType, shape: readonly (number | string)[]): void;
  /** A small constant that travels inside the graph. */
  constant(data: Float32Array | Int32Array | BigInt64Array | Uint8Array, shape: readonly number[]): Value;
  /** A weight that stays in its file. Asked twice for the same place, it is the same value. */
  stored(tensor: StoredTensor): Value;
  /** Adds an operator with one result. An absent optional input is ''. */
  node(operator: string, inputs: readonly Value[], attributes?: Attributes, name?: string): Value;
  /** Adds an operator with `count` results; those named in `unused` are not computed. */
  nodes(
    operator: string,
    inputs: readonly Value[],
    count: number,
    attributes?: Attributes,
    unused?: readonly number[],
  ): Value[];
  /** The encoded ModelProto. */
  encode(): Uint8Array;
}

function elementTypeOf(data: Float32Array | Int32Array | BigInt64Array | Uint8Array): ElementType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Int32Array) return 'int32';
  return data instanceof BigInt64Array ? 'int64' : 'uint8';
}

function attributeProto(name: string, attribute: Attribute): onnx.IAttributeProto {
  const types = AttributeProto.AttributeType;
  if ('int' in attribute) return { name, type: types.INT, i: attribute.int };
  if ('float' in attribute) return { name, type: types.FLOAT, f: attribute.float };
  if ('ints' in attribute) return { name, type: types.INTS, ints: [...attribute.ints] };
  return { name, type: types.STRING, s: new TextEncoder().encode(attribute.string) };
}

function valueInfo(name: string, type: ElementType, shape: readonly (number | string)[]): onnx.IValueInfoProto {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: ELEMENT_TYPES[type].onnx, shape: { dim } } } };
}

/** A new empty graph. */
export function graphBuilder(): GraphBuilder {
  const inputs: onnx.IValueInfoProto[] = [];
  const outputs: onnx.IValueInfoProto[] = [];
  const initializers: onnx.ITensorProto[] = [];
  const nodeList: onnx.INodeProto[] = [];
  const storedNames = new Map<string, Value>();
  let counter = 0;

  const nodes: GraphBuilder['nodes'] = (operator, from, count, attributes = {}, unused = []) => {
    const id = counter++;
    const output = Array.from({ length: count }, (_, i) => (unused.includes(i) ? '' : `${operator}_${id}_${i}`));
    nodeList.push({
      name: `${operator}_${id}`,
      opType: operator,
      domain: CONTRIBUTED.has(operator) ? MICROSOFT : '',
      input: [...from],
      output,
      attribute: Object.entries(attributes).map(([name, attribute]) => attributeProto(name, attribute)),
    });
    return output;
  };

  return {
    nodes,
    input(name, type, shape) {
      inputs.push(valueInfo(name, type, shape));
      return name;
    },
    output(value, type, shape) {
      outputs.push(valueInfo(value, type, shape));
    },
    constant(data, shape) {
      const name = `constant_${counter++}`;
      const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      initializers.push({ name, dataType: ELEMENT_TYPES[elementTypeOf(data)].onnx, dims: [...shape], rawData });
      return name;
    },
    stored(tensor) {
      const place = `${tensor.file}@${tensor.offset}`;
      const known = storedNames.get(place);
      if (known !== undefined) return known;
      const name = `stored_${counter++}`;
      initializers.push({
        name,
        dataType: ELEMENT_TYPES[tensor.type].onnx,
        dims: [...tensor.shape],
        dataLocation: TensorProto.DataLocation.EXTERNAL,
        externalData: [
          { key: 'location', value: tensor.file },
          { key: 'offset', value: String(tensor.offset) },
          { key: 'length', value: String(tensor.bytes) },
        ],
      });
      storedNames.set(place, name);
      return name;
    },
    node(operator, from, attributes, name) {
      const [value] = nodes(operator, from, 1, attributes);
      if (name === undefined) return value;
      nodeList.at(-1)!.output = [name];
      return name;
    },
    encode() {
      const graph = { name: 'maskwright', input: inputs, output: outputs, initializer: initializers, node: nodeList };
      const opsetImport = [
        { domain: '', version: OPSET },
        { domain: MICROSOFT, version: 1 },
      ];
      return ModelProto.encode({ irVersion: IR_VERSION, producerName: 'maskwright', opsetImport, graph }).finish();
    },
  };
}

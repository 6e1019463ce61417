/**
 * The weights a session runs on: the folder's own, or their quantised form, made on first use or stored by `model add`.
 */
import type { Architecture } from './config.ts';
import type { PrecisionName } from './device.ts';
import { BLOCK, blockCount, fourBitScale, fourBitWeight } from './four-bits.ts';
import type { ReportLoad } from './loading.ts';
import type { ElementType } from './onnx.ts';
import { quantisedScale, quantisedWeight } from './precision.ts';
import { allProducts, otherTensors } from './products.ts';
import { type QuantisedForm, quantisedWeights } from './quantise.ts';
import { readWeights, type Weights } from './safetensors.ts';
import { checkWeights, withParts } from './shapes.ts';

export interface WeightsSource {
  /** Where the files lie. */
  readonly folder: string;
  readonly weights: Weights;
  readonly precision: PrecisionName;
}

/** The quantised form a folder's weights are stored in; undefined where they are floating-point numbers. */
export function storedForm(weights: Weights): QuantisedForm | undefined {
  if (weights.has('head.int8')) return 'int8';
  return weights.has('head.int4') ? 'int4' : undefined;
}

/** @throws Error naming the tensors of a stored quantised form that are missing or of another shape or type */
function checkQuantised(architecture: Architecture, weights: Weights, form: QuantisedForm): void {
  const expected = new Map<string, { shape: readonly number[]; types: readonly ElementType[] }>();
  for (const [name, shape] of otherTensors(architecture)) {
    expected.set(name, { shape, types: ['float32', 'float16', 'bfloat16'] });
  }
  for (const product of allProducts(architecture)) {
    const { from, to } = product;
    const blocks = blockCount(from);
    if (form === 'int8') {
      expected.set(quantisedWeight(product), { shape: [from, to], types: ['int8'] });
      expected.set(quantisedScale(product), { shape: [to], types: ['float32'] });
    } else {
      expected.set(fourBitWeight(product), { shape: [to, blocks, BLOCK / 2], types: ['uint8'] });
      expected.set(fourBitScale(product), { shape: [to, blocks], types: ['float32'] });
    }
  }
  const reasons = [...expected].flatMap(([name, { shape, types }]) => {
    const tensor = weights.get(name);
    if (tensor === undefined) return [`${name} is missing`];
    const fits = tensor.shape.join() === shape.join() && types.includes(tensor.type);
    return fits ? [] : [`${name} is ${tensor.type} ${tensor.shape.join(' x ')}, not ${types[0]} ${shape.join(' x ')}`];
  });
  if (reasons.length > 0) throw new Error(`the weights do not fit config.json: ${reasons.join('; ')}`);
}

/**
 * The quantised form that weights are stored in, if they are, once they are seen to fit the architecture.
 * @throws Error where tensors are missing or misshapen
 */
export function checkStored(architecture: Architecture, weights: Weights): QuantisedForm | undefined {
  const form = storedForm(weights);
  if (form === undefined) checkWeights(architecture, weights);
  else checkQuantised(architecture, weights, form);
  return form;
}

/**
 * Opens the weights of the model in `folder` for a precision. Weights that are stored quantised stay in that form, whatever is
 * asked for: the numbers they were made of are gone.
 * @throws Error where tensors are missing or misshapen
 */
export async function openWeights(
  folder: string,
  architecture: Architecture,
  precision: WeightsSource['precision'],
  cacheFolder: string,
  report?: ReportLoad,
): Promise<WeightsSource> {
  const files = await readWeights(folder);
  const stored = checkStored(architecture, files);
  if (stored !== undefined) return { folder, weights: files, precision: stored };
  const weights = withParts(architecture, files);
  if (precision === 'float32' || precision === 'float16') return { folder, weights, precision };
  return { ...(await quantisedWeights(folder, architecture, weights, cacheFolder, precision, report)), precision };
}

/**
 * What one evaluation of a model cannot do without: operations of its products, bytes of its weights and answers.
 */
import type { Architecture } from '../gpu-backend/model/config.ts';
import { allProducts, blockProducts, headProduct } from '../gpu-backend/model/products.ts';

export interface StepWork {
  /** Floating-point operations, two a multiplication. */
  readonly operations: number;
  /** Bytes read or written at least once: every weight, and the answers. */
  readonly bytes: number;
}

/**
 * Work of one evaluation of `batch` canvases of `length` positions with `asked` rows altogether. As in the graph, the last block works on
 * the asked rows alone, keys and values excepted.
 *
 * @param weightBytes bytes of one weight on the device
 * @param answerBytes bytes that leave the device
 */
export function stepWork(
  shape: Architecture,
  { batch, length, asked }: { readonly batch: number; readonly length: number; readonly asked: number },
  weightBytes: number,
  answerBytes: number,
): StepWork {
  const positions = batch * length;
  let operations = 0;
  for (let layer = 0; layer < shape.layers; layer++) {
    const last = layer === shape.layers - 1;
    const { key, value, ...others } = blockProducts(shape, layer);
    const queries = last ? asked : positions;
    for (const { from, to } of [key, value]) operations += 2 * positions * from * to;
    for (const { from, to } of Object.values(others)) operations += 2 * queries * from * to;
    operations += 2 * 2 * queries * length * shape.heads * shape.headWidth; // queries x keys, scores x values
  }
  const head = headProduct(shape);
  operations += 2 * asked * head.from * head.to;
  const weights = allProducts(shape).reduce((sum, { from, to }) => sum + from * to, 0);
  return { operations, bytes: weights * weightBytes + answerBytes };
}

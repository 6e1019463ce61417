/**
 * The matrix products of the model and the tensors they read, by LLaDA's names (GSAI-ML/LLaDA-8B, modeling_llada.py).
 */
import type { Architecture } from './config.ts';

/** y = x W^T, W being the tensor `weight`, out x in. */
export interface Product {
  /** Names the product in the quantised file. */
  readonly name: string;
  readonly weight: string;
  /** Columns of x. */
  readonly from: number;
  /** Columns of y. */
  readonly to: number;
}

export interface BlockProducts {
  readonly query: Product;
  readonly key: Product;
  readonly value: Product;
  readonly attentionOut: Product;
  readonly gate: Product;
  readonly up: Product;
  readonly down: Product;
}

export const EMBEDDING = 'model.transformer.wte.weight';
export const FINAL_NORM = 'model.transformer.ln_f.weight';
const UNTIED_HEAD = 'model.transformer.ff_out.weight';

export const attentionNorm = (layer: number) => blockTensor(layer, 'attn_norm');
export const feedForwardNorm = (layer: number) => blockTensor(layer, 'ff_norm');

function blockTensor(layer: number, name: string): string {
  return `model.transformer.blocks.${layer}.${name}.weight`;
}

/** The products of a block. */
export function blockProducts(architecture: Architecture, layer: number): BlockProducts {
  const { width, hidden, keyHeads, headWidth } = architecture;
  const keyWidth = keyHeads * headWidth;
  const product = (name: string, from: number, to: number): Product => ({
    name: `blocks.${layer}.${name}`,
    weight: blockTensor(layer, name),
    from,
    to,
  });
  return {
    query: product('q_proj', width, width),
    key: product('k_proj', width, keyWidth),
    value: product('v_proj', width, keyWidth),
    attentionOut: product('attn_out', width, width),
    gate: product('ff_proj', width, hidden),
    up: product('up_proj', width, hidden),
    down: product('ff_out', hidden, width),
  };
}

/** The projection of hidden states to the vocabulary. */
export function headProduct({ tied, width, vocabulary }: Architecture): Product {
  return { name: 'head', weight: tied ? EMBEDDING : UNTIED_HEAD, from: width, to: vocabulary };
}

/** Every product of the model, in the order of the computation. */
export function allProducts(architecture: Architecture): Product[] {
  const blocks = Array.from({ length: architecture.layers }, (_, layer) => blockProducts(architecture, layer));
  return [...blocks.flatMap((block): Product[] => Object.values(block)), headProduct(architecture)];
}

/** The tensors that are no product, with their shapes: the embedding table and the norms' gains. */
export function otherTensors({ layers, width, vocabulary }: Architecture): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>([[EMBEDDING, [vocabulary, width]]]);
  for (let layer = 0; layer < layers; layer++) {
    shapes.set(attentionNorm(layer), [width]).set(feedForwardNorm(layer), [width]);
  }
  return shapes.set(FINAL_NORM, [width]);
}

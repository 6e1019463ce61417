/**
 * The matrix products of the model, named once for every precision: which tensors of the folder make up each, stacked.
 *
 * Products of one input are one product: query, key and value; gate and up. The input is then read (and quantised) once.
 */
import type { Architecture } from './config.ts';

/** y = x W^T, where W is `parts` stacked by rows (out x in, as the folder stores them). */
export interface Product {
  readonly name: string;
  readonly parts: readonly string[];
  /** Columns of x. */
  readonly from: number;
  /** Columns of y. */
  readonly to: number;
}

export interface BlockProducts {
  readonly queryKeyValue: Product;
  readonly attentionOut: Product;
  readonly gateUp: Product;
  readonly feedForwardOut: Product;
}

/** LLaDA's tensor names (GSAI-ML/LLaDA-8B, modeling_llada.py). */
export const EMBEDDING = 'model.transformer.wte.weight';
export const FINAL_NORM = 'model.transformer.ln_f.weight';
export const blockTensor = (layer: number, name: string) => `model.transformer.blocks.${layer}.${name}.weight`;

/** The four products of a block. */
export function blockProducts({ width, hidden }: Architecture, layer: number): BlockProducts {
  const product = (name: string, parts: readonly string[], from: number, to: number): Product => ({
    name: `blocks.${layer}.${name}`,
    parts: parts.map((part) => blockTensor(layer, part)),
    from,
    to,
  });
  return {
    queryKeyValue: product('query_key_value', ['q_proj', 'k_proj', 'v_proj'], width, 3 * width),
    attentionOut: product('attention_out', ['attn_out'], width, width),
    gateUp: product('gate_up', ['ff_proj', 'up_proj'], width, 2 * hidden),
    feedForwardOut: product('feed_forward_out', ['ff_out'], hidden, width),
  };
}

/** The projection of hidden states to the vocabulary. */
export function headProduct({ tied, width, vocabulary }: Architecture): Product {
  const part = tied ? EMBEDDING : 'model.transformer.ff_out.weight';
  return { name: 'head', parts: [part], from: width, to: vocabulary };
}

/** Every product of the model, in the order of the computation. */
export function allProducts(architecture: Architecture): Product[] {
  const blocks = Array.from({ length: architecture.layers }, (_, layer) => blockProducts(architecture, layer));
  return [...blocks.flatMap((block) => Object.values(block) as Product[]), headProduct(architecture)];
}

/** The tensors that are no product: norms and the embedding table. */
export function otherTensors({ layers }: Architecture): string[] {
  const norms = Array.from({ length: layers }, (_, layer) => [
    blockTensor(layer, 'attn_norm'),
    blockTensor(layer, 'ff_norm'),
  ]);
  return [EMBEDDING, ...norms.flat(), FINAL_NORM];
}

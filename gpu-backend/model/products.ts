/**
 * The matrix products of a model and the tensors they read.
 */
import type { Architecture, Linear } from './architecture.ts';

/** y = x W^T + b, W being the tensor `weight`, out x in. */
export interface Product {
  /** Names the product in a quantised file. */
  readonly name: string;
  readonly weight: string;
  /** The tensor b; a product without one adds nothing. */
  readonly bias?: string;
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

const productOf = (name: string, linear: Linear, from: number, to: number): Product => ({ name, ...linear, from, to });

/** The products of a block. */
export function blockProducts(architecture: Architecture, layer: number): BlockProducts {
  const { width, hidden, heads, keyHeads, headWidth } = architecture;
  const tensors = architecture.tensors.block(layer);
  const product = (name: string, linear: Linear, from: number, to: number) =>
    productOf(`blocks.${layer}.${name}`, linear, from, to);
  return {
    query: product('q_proj', tensors.query, width, heads * headWidth),
    key: product('k_proj', tensors.key, width, keyHeads * headWidth),
    value: product('v_proj', tensors.value, width, keyHeads * headWidth),
    attentionOut: product('attn_out', tensors.attentionOut, heads * headWidth, width),
    gate: product('ff_proj', tensors.gate, width, hidden),
    up: product('up_proj', tensors.up, width, hidden),
    down: product('ff_out', tensors.down, hidden, width),
  };
}

/** The dense layer before the head, where there is one. */
export function predictionProduct({ tensors, width }: Architecture): Product | undefined {
  return tensors.prediction && productOf('prediction', tensors.prediction.dense, width, width);
}

/** The projection of hidden states to the vocabulary. */
export function headProduct({ tensors, width, vocabulary }: Architecture): Product {
  return productOf('head', tensors.head, width, vocabulary);
}

/** Every product of the model, in the order of the computation. */
export function allProducts(architecture: Architecture): Product[] {
  const blocks = Array.from({ length: architecture.layers }, (_, layer) => blockProducts(architecture, layer));
  const prediction = predictionProduct(architecture);
  return [
    ...blocks.flatMap((block): Product[] => Object.values(block)),
    ...(prediction === undefined ? [] : [prediction]),
    headProduct(architecture),
  ];
}

/** The tensors that are no product, with their shapes: the embedding table, the norms' gains, the products' biases. */
export function otherTensors(architecture: Architecture): Map<string, readonly number[]> {
  const { layers, width, headWidth, vocabulary, tensors } = architecture;
  const shapes = new Map<string, readonly number[]>([[tensors.embedding, [vocabulary, width]]]);
  const gain = (name: string | undefined, size = width) => name !== undefined && shapes.set(name, [size]);
  gain(tensors.embeddingNorm);
  for (let layer = 0; layer < layers; layer++) {
    const block = tensors.block(layer);
    gain(block.attentionNorm);
    gain(block.queryNorm, headWidth);
    gain(block.keyNorm, headWidth);
    gain(block.feedForwardNorm);
  }
  gain(tensors.finalNorm);
  gain(tensors.prediction?.norm);
  for (const { bias, to } of allProducts(architecture)) gain(bias, to);
  return shapes;
}

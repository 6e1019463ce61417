/**
 * What every supported checkpoint is described by: sizes, variations, and the names of its tensors. The graph is built from this alone;
 * one file in architectures/ for each family makes it of the family's config.json.
 */

/** A linear layer as a checkpoint stores it: weight out x in, bias out. */
export interface Linear {
  readonly weight: string;
  readonly bias?: string;
}

/** Names of one block's tensors. */
export interface BlockTensors {
  /** Gain of the norm before attention; none where the block reads the residual stream as it is. */
  readonly attentionNorm?: string;
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  /** Gains of the norms of every query and key head, `headWidth` long, where there are such norms. */
  readonly queryNorm?: string;
  readonly keyNorm?: string;
  readonly attentionOut: Linear;
  readonly feedForwardNorm: string;
  /** The half that goes through the activation. */
  readonly gate: Linear;
  readonly up: Linear;
  readonly down: Linear;
}

/** A stored matrix that is several matrices one below the other; the parts then count as tensors of their own. */
export interface FusedTensor {
  readonly name: string;
  readonly parts: readonly { readonly name: string; readonly rows: number }[];
  readonly columns: number;
}

export interface ModelTensors {
  readonly embedding: string;
  readonly embeddingNorm?: string;
  block(layer: number): BlockTensors;
  readonly finalNorm: string;
  /** A dense layer, its activation and a norm between the final norm and the head (encoders of BERT's kind). */
  readonly prediction?: { readonly dense: Linear; readonly norm: string };
  readonly head: Linear;
  readonly fused: readonly FusedTensor[];
}

/** Layers whose positions see only their neighbourhood. */
export interface LocalAttention {
  readonly layers: ReadonlySet<number>;
  /** Positions seen to either side. */
  readonly reach: number;
  readonly ropeTheta: number;
}

/** A bidirectional pre-norm transformer with rotary positions and a gated feed-forward part. */
export interface Architecture {
  /** Name of the family, as in the table of config.ts. */
  readonly family: string;
  readonly layers: number;
  /** Width of the residual stream. */
  readonly width: number;
  readonly heads: number;
  /** Heads of keys and values; each serves heads / keyHeads neighbouring query heads. */
  readonly keyHeads: number;
  readonly headWidth: number;
  /** Width between the two halves of the feed-forward part. */
  readonly hidden: number;
  /** Rows of the embedding table; a tokenizer may have fewer tokens. */
  readonly vocabulary: number;
  /** Most positions of one canvas. */
  readonly context: number;
  readonly ropeTheta: number;
  readonly local?: LocalAttention;
  readonly norm: 'rms' | 'layer';
  readonly epsilon: number;
  readonly activation: 'silu' | 'gelu';
  /** The head reads the embedding table. */
  readonly tied: boolean;
  /** Where config.json says it. */
  readonly maskToken?: number;
  readonly eosToken?: number;
  readonly tensors: ModelTensors;
}

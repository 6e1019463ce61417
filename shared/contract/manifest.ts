/**
 * The model manifest: what a model folder says about itself beyond Hugging Face's config.json.
 * Written by the trainer (training/export.py) or by `model add`; read by the backend and, in short form, by the edge.
 */
import * as v from 'valibot';

const tokenId = v.pipe(v.number(), v.integer(), v.minValue(0));
const temperature = v.pipe(v.number(), v.gtValue(0));

export const manifestSchema = v.object({
  format: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)),
  title: v.string(),
  description: v.string(),
  /** Identity of the weights: same revision and device kind, same bytes out. */
  revision: v.string(),
  architecture: v.string(),
  licence: v.string(),
  parameters: v.number(),
  tokens: v.object({
    mask: tokenId,
    eos: tokenId,
    pad: tokenId,
    // What conditioning of the kind `tokens` is written with; other kinds have none of these.
    prompt: v.optional(tokenId),
    facts: v.optional(tokenId),
    text: v.optional(tokenId),
    style_none: v.optional(tokenId),
  }),
  /** A style is a token of its own, or a sentence said to an instruct model. */
  styles: v.array(
    v.object({
      name: v.string(),
      token: v.optional(tokenId),
      instruction: v.optional(v.string()),
      description: v.string(),
    }),
  ),
  /** How prompt, style and facts reach the model; `tokens` where it is absent. */
  conditioning: v.optional(
    v.variant('kind', [
      /** Tokens of their own, which the model was trained with. */
      v.object({ kind: v.literal('tokens') }),
      /** A message to an instruct model, in its tokenizer's chat template. */
      v.object({ kind: v.literal('chat') }),
      /** The beginning of the text, behind the tokens every text begins with. */
      v.object({ kind: v.literal('prefix'), begin: v.array(tokenId) }),
    ]),
  ),
  /** The form the weights are stored in, where it is not the one they were trained in. */
  precision: v.optional(v.picklist(['float32', 'bfloat16', 'int8', 'int4'])),
  /** Most positions of one canvas, conditioning included. */
  context: v.pipe(v.number(), v.integer(), v.minValue(8)),
  /** Positions by which logits are shifted against their token (Dream: 1). */
  shift: v.picklist([0, 1]),
  supports: v.object({ editing: v.boolean(), guidance: v.boolean() }),
  /**
   * Temperatures that make the probabilities of decisions true: fitted by `npm run bench -- decisions`, for probabilities as the model
   * gives them and for those whose prior was divided out.
   */
  decisions: v.optional(v.object({ temperature: v.object({ plain: temperature, prior: temperature }) })),
  /** Where an installed model came from. */
  source: v.optional(v.object({ name: v.string(), revision: v.optional(v.string()) })),
  weights: v.array(v.object({ file: v.string(), bytes: v.number(), sha256: v.string() })),
});

export type Manifest = v.InferOutput<typeof manifestSchema>;

/** How a model decides. */
export interface ModelDecisions {
  /** The manifest's; absent where nobody has fitted one. */
  readonly temperature?: { readonly plain: number; readonly prior: number };
  /** Whether the model is told the options of a question, so that their order may matter. */
  readonly lists_options: boolean;
}

/** An instruct model is told what to choose from; others go on with the question as a text does. */
export function decisionsOf({ decisions, conditioning }: Pick<Manifest, 'decisions' | 'conditioning'>): ModelDecisions {
  return { ...decisions, lists_options: conditioning?.kind === 'chat' };
}

/** What the edge needs to know of a model to validate and price a request, and `GET /v1/models` shows. */
export interface ModelSummary {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly revision: string;
  readonly licence: string;
  readonly parameters: number;
  readonly context: number;
  readonly styles: readonly { readonly name: string; readonly description: string }[];
  readonly supports: { readonly editing: boolean; readonly guidance: boolean };
  readonly decisions?: ModelDecisions;
  /** Bytes of the longest token that may stand in a text: a lower bound on tokens is bytes / this. */
  readonly longestTokenBytes: number;
}

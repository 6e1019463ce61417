/**
 * The model manifest: what a model folder says about itself beyond Hugging Face's config.json.
 * Written by the trainer (training/export.py) or by `model add`; read by the backend and, in short form, by the edge.
 */
import * as v from 'valibot';

const tokenId = v.pipe(v.number(), v.integer(), v.minValue(0));

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
    prompt: tokenId,
    facts: tokenId,
    text: tokenId,
    style_none: tokenId,
  }),
  styles: v.array(v.object({ name: v.string(), token: tokenId, description: v.string() })),
  /** Most positions of one canvas, conditioning included. */
  context: v.pipe(v.number(), v.integer(), v.minValue(8)),
  /** Positions by which logits are shifted against their token (Dream: 1). */
  shift: v.picklist([0, 1]),
  supports: v.object({ editing: v.boolean(), guidance: v.boolean() }),
  weights: v.array(v.object({ file: v.string(), bytes: v.number(), sha256: v.string() })),
});

export type Manifest = v.InferOutput<typeof manifestSchema>;

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
  /** Bytes of the longest token that may stand in a text: a lower bound on tokens is bytes / this. */
  readonly longestTokenBytes: number;
}

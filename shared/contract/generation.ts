/**
 * The native request `POST /v1/generations`: shapes and bounds. What the fields mean together (template syntax, constraint
 * language, satisfiability) is decided by shared/constraints.
 */
import * as v from 'valibot';
import type { DecisionSpec } from './questions.ts';

/** Bounds of a request; docs/limits.md lists them. */
export const LIMITS = {
  bodyBytes: 262_144,
  promptCharacters: 2_000,
  templateCharacters: 8_000,
  holes: 64,
  phrases: 64,
  phraseCharacters: 200,
  regexCharacters: 2_000,
  choices: 256,
  choiceCharacters: 400,
  facts: 32,
  factCharacters: 200,
  schemaBytes: 65_536,
  lengths: 8,
  /** Largest bound of a length, any unit. */
  lengthBound: 4_096,
  steps: 256,
  n: 8,
} as const;

export const SAMPLERS = [
  'low-confidence',
  'ancestral',
  'first-hitting',
  'remdm',
  'confidence',
  'margin',
  'entropy',
  'threshold',
  'factor',
  'entropy-bounded',
  'klass',
  'joint-threshold',
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

/** How `remdm` decides which kept tokens to mask again. */
export const REMASKS = ['cap', 'rescale', 'conf', 'loop'] as const;
export type Remask = (typeof REMASKS)[number];

/** How much computation a text may cost, least first. */
export const EFFORTS = ['fast', 'balanced', 'best'] as const;
export type Effort = (typeof EFFORTS)[number];

/** What of a canvas's keys and values is kept while a block is worked on: nothing, those before it, those before and behind it. */
export const KV_CACHES = ['none', 'prefix', 'dual'] as const;
export type KvCache = (typeof KV_CACHES)[number];

const count = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(max));
const bounds = {
  exact: v.optional(count(LIMITS.lengthBound)),
  min: v.optional(count(LIMITS.lengthBound)),
  max: v.optional(count(LIMITS.lengthBound)),
};
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const nonEmptyText = (max: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(max));

export const LENGTH_UNITS = ['tokens', 'characters', 'words', 'sentences'] as const;
export const lengthSchema = v.strictObject({ unit: v.picklist(LENGTH_UNITS), ...bounds });
export const boundsSchema = v.strictObject(bounds);

export const phraseSchema = v.union([
  nonEmptyText(LIMITS.phraseCharacters),
  v.strictObject({
    text: nonEmptyText(LIMITS.phraseCharacters),
    /** Default true: 'Sale' is not 'sale'. */
    case_sensitive: v.optional(v.boolean()),
    /** Default false; true: no word character may touch the phrase on either side. */
    whole_word: v.optional(v.boolean()),
  }),
]);

export const holeSchema = v.strictObject({
  tokens: v.optional(boundsSchema),
  characters: v.optional(boundsSchema),
  words: v.optional(boundsSchema),
  sentences: v.optional(boundsSchema),
  regex: v.optional(text(LIMITS.regexCharacters)),
  choices: v.optional(
    v.pipe(v.array(nonEmptyText(LIMITS.choiceCharacters)), v.minLength(1), v.maxLength(LIMITS.choices)),
  ),
  /** Phrases that must not appear in the hole's value. */
  exclude: v.optional(v.pipe(v.array(phraseSchema), v.maxLength(LIMITS.phrases))),
});

export const styleSchema = v.union([
  v.string(),
  v.strictObject({ name: v.string(), strength: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(10))) }),
]);

export const cacheSchema = v.union([
  v.picklist(['default', 'no-store', 'refresh']),
  v.strictObject({
    /** Seconds: none older is taken, and it is kept so long. */
    ttl: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(604_800))),
    /** The answer may be one that was made for another account that shares, and may be given to such. */
    shared: v.optional(v.boolean()),
  }),
]);

export const diffusionSchema = v.strictObject({
  /** Measured settings under one word, for all that is not given here. */
  effort: v.optional(v.picklist(EFFORTS)),
  /** Ceiling of denoising steps; the loop ends as soon as no mask is left. */
  steps: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LIMITS.steps))),
  sampler: v.optional(v.picklist(SAMPLERS)),
  /** Confidence from which `threshold`, `klass` and `joint-threshold` commit a token. */
  threshold: v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(1))),
  /** Of `factor`: n tokens are kept together where the n-th has a confidence of at least 1 - factor / (n + 1). */
  factor: v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(100))),
  /** Of `entropy-bounded`: nats by which what is kept together may depend on each other. */
  gamma: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(100))),
  /** Of `klass`: nats by which the model's distribution at a position may have moved between two evaluations. */
  kl_threshold: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(100))),
  /** Of `joint-threshold`: the model replaces a kept token where it is surer than this of another. */
  edit_threshold: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  /** Of `remdm`. */
  remask: v.optional(v.picklist(REMASKS)),
  /** Of `remdm`: how probable it is that a kept token is masked again at a step (cap, loop: at most; rescale: as a share of the most). */
  eta: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  /** Of `remdm` with remask `loop`: times (1 at the start, 0 at the end) between which tokens are masked again. */
  t_on: v.optional(v.pipe(v.number(), v.gtValue(0), v.ltValue(1))),
  t_off: v.optional(v.pipe(v.number(), v.minValue(0), v.ltValue(1))),
  /** Of `remdm` with remask `loop`: share of the positions that is held filled between these times. */
  alpha_on: v.optional(v.pipe(v.number(), v.gtValue(0), v.ltValue(1))),
  /** Of samplers that keep a number of the surest tokens: noise on their order. 0: none. */
  position_temperature: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(10))),
  /** Of the same samplers: positions from one token to the next that is kept at the same step. 1: any. */
  spacing: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(256))),
  /** Divides the probability of a token for each time it stands in the text already, with any sampler. 1: nothing. */
  repetition_penalty: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(10))),
  /** Positions of one block; blocks are finished left to right. */
  block: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LIMITS.lengthBound))),
  /** With `block`: keys and values outside the block are computed once for each block instead of at every step. */
  kv_cache: v.optional(v.picklist(KV_CACHES)),
  /** Classifier-free guidance w >= 0: hidden states h = (1 + w) h_conditional - w h_unconditional. */
  guidance: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(10))),
});

export const generationSchema = v.strictObject({
  model: v.optional(v.string()),
  prompt: v.optional(text(LIMITS.promptCharacters)),
  style: v.optional(styleSchema),
  template: v.optional(text(LIMITS.templateCharacters)),
  holes: v.optional(v.record(v.string(), holeSchema)),
  length: v.optional(v.union([lengthSchema, v.pipe(v.array(lengthSchema), v.maxLength(LIMITS.lengths))])),
  include: v.optional(v.pipe(v.array(phraseSchema), v.maxLength(LIMITS.phrases))),
  exclude: v.optional(v.pipe(v.array(phraseSchema), v.maxLength(LIMITS.phrases))),
  regex: v.optional(text(LIMITS.regexCharacters)),
  json_schema: v.optional(v.union([v.record(v.string(), v.unknown()), v.boolean()])),
  choices: v.optional(
    v.pipe(v.array(nonEmptyText(LIMITS.choiceCharacters)), v.minLength(1), v.maxLength(LIMITS.choices)),
  ),
  /** Answer with the probability of each choice, from the first model evaluation. */
  choice_probabilities: v.optional(v.boolean()),
  facts: v.optional(v.record(v.string(), v.union([nonEmptyText(LIMITS.factCharacters), v.number()]))),
  seed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))),
  n: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LIMITS.n))),
  temperature: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(2))),
  diffusion: v.optional(diffusionSchema),
  stream: v.optional(v.union([v.literal(false), v.picklist(['text', 'steps'])])),
  cache: v.optional(cacheSchema),
});

export type GenerationRequest = v.InferOutput<typeof generationSchema>;
export type HoleSpec = v.InferOutput<typeof holeSchema>;
export type LengthSpec = v.InferOutput<typeof lengthSchema>;
export type Bounds = v.InferOutput<typeof boundsSchema>;
export type PhraseSpec = v.InferOutput<typeof phraseSchema>;

/** What goes first where work waits. */
export const PRIORITIES = ['high', 'normal', 'low'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** What the edge sends to the backend: a validated request in which nothing is left to chance. */
export interface GenerationJob {
  /** Of the request, unique; a job that is sent again under its id is the same job. */
  readonly id: string;
  readonly request: GenerationRequest & {
    readonly model: string;
    readonly seed: number;
    /** Questions to be answered instead of texts to be written; `n` is their number. */
    readonly decision?: DecisionSpec;
  };
  /** `normal` by default. */
  readonly priority?: Priority;
  /** Milliseconds from its arrival within which the job has to be finished; without it the service's own limit. */
  readonly deadline_ms?: number;
  /** For how many milliseconds the work is kept for a reader who left and may come back; 0, the default: it ends when he leaves. */
  readonly resume_ms?: number;
  /** Who may take the stream up again: opaque to the service, compared as it is. */
  readonly owner?: string;
  /** W3C Trace Context of the request, version 00. */
  readonly traceparent?: string;
}

/**
 * A preset: a saved request with variables, made with a secret key and run by web pages. What may be said in a run, and what a run
 * may cost, is decided when the preset is made; a page chooses nothing but the values of its variables.
 */
import * as v from 'valibot';
import { generationSchema, LIMITS } from './generation.ts';

/** Bounds of presets and their runs. */
export const PRESET_LIMITS = {
  /** Of an account, both modes together. */
  presets: 100,
  bodyBytes: 65_536,
  runBodyBytes: 65_536,
  nameCharacters: 100,
  variables: 16,
  /** Unicode code points of a value. */
  variableCharacters: 200,
  choices: 64,
  variants: 20,
} as const;

/** Of a variable, where the preset does not say. */
export const DEFAULT_MAX_CHARACTERS = 100;
export const DEFAULT_MIN_CHARACTERS = 1;
/** Of one visitor, told by his address. */
export const DEFAULT_RUNS_PER_MINUTE = 10;
export const DEFAULT_RUNS_PER_DAY = 100;

/**
 * Who may run it from a page: whoever has the publishable key, from its origins; whoever has passed Turnstile there; only who has
 * a session that a secret key made.
 */
export const PROTECTIONS = ['origin', 'turnstile', 'session'] as const;
export type Protection = (typeof PROTECTIONS)[number];

const whole = (least: number, most: number) => v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
const text = (least: number, most: number) => v.pipe(v.string(), v.minLength(least), v.maxLength(most));

// What is streamed, drawn and kept is decided run by run: by the page and by `variants`.
const { stream: _stream, cache: _cache, seed: _seed, n: _n, ...fields } = generationSchema.entries;

export const variableSchema = v.strictObject({
  /** Unicode code points. */
  max_characters: v.optional(whole(1, PRESET_LIMITS.variableCharacters)),
  min_characters: v.optional(whole(0, PRESET_LIMITS.variableCharacters)),
  choices: v.optional(
    v.pipe(v.array(text(1, PRESET_LIMITS.variableCharacters)), v.minLength(1), v.maxLength(PRESET_LIMITS.choices)),
  ),
  /** A regular expression that the whole value matches. */
  pattern: v.optional(text(1, LIMITS.regexCharacters)),
  /** Without it the page must say. */
  default: v.optional(v.string()),
});
export type Variable = v.InferOutput<typeof variableSchema>;
export type Variables = Readonly<Record<string, Variable>>;

export const presetSchema = v.strictObject({
  name: text(1, PRESET_LIMITS.nameCharacters),
  request: v.strictObject(fields),
  variables: v.optional(v.record(v.string(), variableSchema)),
  /** Runs take turns with so many seeds, and their answers are kept; without it each run has a new seed, and nothing is kept. */
  variants: v.optional(whole(1, PRESET_LIMITS.variants)),
  /** Of a day (UTC). */
  daily_limit_micro_dollars: whole(0, 1_000_000_000_000),
  visitor_runs_per_minute: v.optional(whole(1, 10_000)),
  visitor_runs_per_day: v.optional(whole(1, 1_000_000)),
  protection: v.optional(v.picklist(PROTECTIONS)),
  /** Never shown again. */
  turnstile: v.optional(v.strictObject({ secret: text(1, 200) })),
});
export type PresetRequest = v.InferOutput<typeof presetSchema>;
/** A request without what is decided run by run. */
export type SavedRequest = PresetRequest['request'];

/** A preset as it is kept and shown: what was not said is said. */
export interface PresetTerms extends Omit<PresetRequest, 'turnstile'> {
  readonly variables: Variables;
  readonly visitor_runs_per_minute: number;
  readonly visitor_runs_per_day: number;
  readonly protection: Protection;
}

export interface Preset extends PresetTerms {
  readonly object: 'preset';
  /** 'preset_...'. */
  readonly id: string;
  readonly mode: 'live' | 'test';
  /** RFC 3339. */
  readonly created_at: string;
}

/** `POST /v1/presets/{id}/runs`. */
export const presetRunSchema = v.strictObject({
  variables: v.optional(v.record(v.string(), v.string())),
  stream: generationSchema.entries.stream,
});
export type PresetRun = v.InferOutput<typeof presetRunSchema>;

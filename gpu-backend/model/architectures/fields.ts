/**
 * What the families' config.json schemas have in common.
 */
import * as v from 'valibot';

export const positive = v.pipe(v.number(), v.integer(), v.minValue(1));
export const token = v.pipe(v.number(), v.integer(), v.minValue(0));
export const aboveZero = v.pipe(v.number(), v.gtValue(0));
/** A switch that must be off. */
export const off = v.optional(v.nullable(v.literal(false)), false);
export const no = v.optional(v.null());

/**
 * The longest canvas we serve, whatever a config promises (Qwen's say 131,072): every position is evaluated at every step, attention is
 * quadratic, and the tables of rotation angles are this long.
 */
export const LONGEST_CONTEXT = 4096;

/** One of config.json's refusals, all of them in one message. */
export class ConfigError extends Error {}

/** Parses with `schema`. @throws ConfigError with a reason for each field that does not fit */
export function parseFields<const T extends v.GenericSchema>(schema: T, config: unknown): v.InferOutput<T> {
  const result = v.safeParse(schema, config);
  if (result.success) return result.output;
  throw new ConfigError(result.issues.map((issue) => `${v.getDotPath(issue) ?? 'it'}: ${issue.message}`).join('; '));
}

/** @throws ConfigError where there are reasons */
export function refuse(reasons: readonly string[]): void {
  if (reasons.length > 0) throw new ConfigError(reasons.join('; '));
}

/** What is wrong with a token id that lies outside the vocabulary. */
export function outside(field: string, id: number | undefined, vocabulary: number): string[] {
  return id !== undefined && id >= vocabulary ? [`${field} ${id} is outside the vocabulary of ${vocabulary}`] : [];
}

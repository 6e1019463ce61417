/**
 * The independent checker: does a finished text hold every stated constraint? String operations and the position
 * matcher only; no automaton of the compiler is used. Every text passes through here before it is returned.
 */
import type { GenerationRequest } from '../contract/generation.ts';
import type { HeldConstraint } from '../contract/stream.ts';
import { notFreeText } from './free-text.ts';
import { describeRange } from './lengths.ts';
import { holdsPhrase } from './phrases.ts';
import { type HolePlan, type Plan, pointerToken, readPlan, type SegmentPlan } from './plan.ts';
import { matcher } from './regex-match.ts';
import { measure, TEXT_UNITS } from './units.ts';

export interface CheckOptions {
  /** Why a text is not a valid instance of a JSON Schema, undefined when it is. Without it json_schema never holds. */
  readonly validateJson?: (schema: unknown, text: string) => string | undefined;
  /** Tokens of the whole text and of each hole, where the caller knows them. */
  readonly tokens?: { readonly whole: number; readonly holes: Readonly<Record<string, number>> };
}

export interface FailedConstraint {
  readonly pointer: string;
  readonly detail: string;
}

export interface CheckResult {
  readonly held: HeldConstraint[];
  readonly failed: FailedConstraint[];
  /** The value of each hole: earlier holes as short as possible. Empty when the template does not fit. */
  readonly holes: Record<string, string>;
}

/** Checks a finished text against a request. Throws what `readPlan` throws; never a verdict. */
export function check(request: GenerationRequest, text: string, options: CheckOptions = {}): CheckResult {
  const plan = readPlan(request);
  const held: HeldConstraint[] = [];
  const failed: FailedConstraint[] = [];
  const judge = (pointer: string, constraint: string, failure: string | undefined) => {
    if (failure === undefined) held.push({ pointer, constraint, held: true });
    else failed.push({ pointer, detail: failure });
  };
  if (!text.isWellFormed()) failed.push({ pointer: '', detail: 'the text is not well-formed Unicode' });
  const holes = plan.segments === undefined ? {} : assign(plan.segments, text, options);
  if (plan.segments !== undefined) {
    judge(
      '/template',
      'the text of the template, byte for byte',
      holes === undefined ? 'no values of the holes make this text' : undefined,
    );
  }
  for (const segment of plan.segments ?? []) {
    if (holes !== undefined && segment.kind === 'hole') reportHole(segment, holes[segment.name], judge);
  }
  for (const { unit, range, pointer } of plan.lengths) {
    const size = unit === 'tokens' ? options.tokens?.whole : measure(text, unit);
    const words = describeRange(range, unit);
    const outside = size !== undefined && (size < range.min || size > range.max);
    judge(
      pointer,
      size === undefined ? words : `${words} (${size})`,
      outside ? `${words} are asked for, the text has ${size}` : undefined,
    );
  }
  checkShape(plan, text, options, judge);
  for (const phrase of plan.include) {
    judge(
      phrase.pointer,
      `holds '${phrase.text}'`,
      holdsPhrase(text, phrase) ? undefined : `'${phrase.text}' is missing`,
    );
  }
  for (const name of plan.referenced) {
    const value = plan.facts.get(name) as string;
    judge(
      `/facts/${pointerToken(name)}`,
      `holds '${value}'`,
      text.includes(value) ? undefined : `'${value}' is missing`,
    );
  }
  for (const phrase of plan.exclude) {
    judge(
      phrase.pointer,
      `does not hold '${phrase.text}'`,
      holdsPhrase(text, phrase) ? `'${phrase.text}' stands in the text` : undefined,
    );
  }
  return { held, failed, holes: holes ?? {} };
}

type Judge = (pointer: string, constraint: string, failure: string | undefined) => void;

function checkShape(plan: Plan, text: string, options: CheckOptions, judge: Judge): void {
  if (plan.free !== undefined) {
    const why = notFreeText(text, plan.free);
    if (why !== undefined) judge('', 'free text', why);
  }
  if (plan.regex !== undefined) {
    judge(
      '/regex',
      `matches ${plan.regex}`,
      matcher(plan.regex).matches(text) ? undefined : `the text does not match ${plan.regex}`,
    );
  }
  if (plan.choices !== undefined) {
    judge(
      '/choices',
      `one of ${plan.choices.length} choices`,
      plan.choices.includes(text) ? undefined : 'the text is none of the choices',
    );
  }
  if (plan.jsonSchema !== undefined) {
    const validate = options.validateJson ?? (() => 'no JSON Schema validator was given');
    judge('/json_schema', 'valid under the JSON Schema', validate(plan.jsonSchema, text));
  }
}

function reportHole(hole: HolePlan, value: string, judge: Judge): void {
  for (const { unit, range, pointer } of hole.bounds) {
    const size = unit === 'tokens' ? '' : ` (${measure(value, unit)})`;
    judge(pointer, `${describeRange(range, unit)} in '${hole.name}'${size}`, undefined);
  }
  if (hole.regex !== undefined) judge(`${hole.pointer}/regex`, `'${hole.name}' matches ${hole.regex}`, undefined);
  if (hole.choices !== undefined) {
    judge(`${hole.pointer}/choices`, `'${hole.name}' is one of ${hole.choices.length} choices`, undefined);
  }
  for (const phrase of hole.exclude) {
    judge(phrase.pointer, `'${hole.name}' does not hold '${phrase.text}'`, undefined);
  }
}

/** True when a value fits a hole. */
export function fits(hole: HolePlan, value: string, options: CheckOptions = {}): boolean {
  for (const unit of TEXT_UNITS) {
    const range = hole.measures.text[unit];
    if (range === undefined) continue;
    const size = measure(value, unit);
    if (size < range.min || size > range.max) return false;
  }
  const tokens = options.tokens?.holes[hole.name];
  if (tokens !== undefined && (tokens < hole.measures.tokens.min || tokens > hole.measures.tokens.max)) return false;
  if (hole.choices !== undefined && !hole.choices.includes(value)) return false;
  if (hole.regex !== undefined && !matcher(hole.regex).matches(value)) return false;
  if (hole.exclude.some((phrase) => holdsPhrase(value, phrase))) return false;
  return hole.free === undefined || notFreeText(value, hole.free) === undefined;
}

/** Finds values of the holes that make the text, earlier holes as short as possible; undefined when there are none. */
function assign(
  segments: readonly SegmentPlan[],
  text: string,
  options: CheckOptions,
): Record<string, string> | undefined {
  const failed = new Set<number>();
  const values: string[] = [];
  const width = text.length + 1;
  const search = (index: number, at: number): boolean => {
    if (index === segments.length) return at === text.length;
    const key = index * width + at;
    if (failed.has(key)) return false;
    const segment = segments[index];
    if (segment.kind === 'literal') {
      if (text.startsWith(segment.text, at) && search(index + 1, at + segment.text.length)) return true;
    } else {
      const next = segments[index + 1];
      const longest = segment.measures.text.characters?.max ?? Number.POSITIVE_INFINITY;
      for (let end = at; end <= text.length; end++) {
        if (next === undefined) end = text.length;
        else if (next.kind === 'literal') {
          end = text.indexOf(next.text, end);
          if (end < 0) break;
        }
        // A UTF-16 unit is at most one character, a character at most two units.
        if (end - at > 2 * longest) break;
        const value = text.slice(at, end);
        if (!value.isWellFormed() || !fits(segment, value, options)) continue;
        values[index] = value;
        if (search(index + 1, end)) return true;
      }
    }
    failed.add(key);
    return false;
  };
  if (!search(0, 0)) return undefined;
  const holes: Record<string, string> = {};
  segments.forEach((segment, i) => {
    if (segment.kind === 'hole') holes[segment.name] = values[i];
  });
  return holes;
}

/**
 * A request read: what is stated, where, about which part of the text. Compiler and checker both start here.
 */
import type { Bounds, GenerationRequest, HoleSpec } from '../contract/generation.ts';
import { LIMITS } from '../contract/generation.ts';
import { problem } from '../contract/problem.ts';
import type { FreeTextOptions } from './free-text.ts';
import { ANY_LENGTH, allowsZero, describeRange, lengthsOf, narrow, rangeOf } from './lengths.ts';
import { holdsPhrase, type IncludePhrase, readPhrase } from './phrases.ts';
import { type InlineBounds, parseTemplate } from './template.ts';
import { type Range, TEXT_UNITS, type TextUnit } from './units.ts';

export type ConstraintKind =
  | 'template'
  | 'length'
  | 'regex'
  | 'choices'
  | 'json_schema'
  | 'include'
  | 'exclude'
  | 'fact';

/** One thing a request states, for reports and conflicts. */
export interface StatedConstraint {
  readonly pointer: string;
  readonly kind: ConstraintKind;
  readonly description: string;
}

/** Bounds of one value: of a hole, or of the whole text. */
export interface Measures {
  readonly tokens: Range;
  readonly text: Readonly<Partial<Record<TextUnit, Range>>>;
}

export interface HolePlan {
  readonly kind: 'hole';
  readonly name: string;
  readonly pointer: string;
  readonly measures: Measures;
  /** Each bound with where it is stated. */
  readonly bounds: readonly { readonly unit: keyof InlineBounds; readonly range: Range; readonly pointer: string }[];
  readonly regex?: string;
  readonly choices?: readonly string[];
  readonly exclude: readonly IncludePhrase[];
  /** Set where neither a regex nor choices say what the value is. */
  readonly free?: FreeTextOptions;
}

export type SegmentPlan = { readonly kind: 'literal'; readonly text: string } | HolePlan;

export interface Plan {
  /** Undefined: a request without template. */
  readonly segments?: readonly SegmentPlan[];
  readonly measures: Measures;
  readonly lengths: readonly { readonly unit: keyof InlineBounds; readonly range: Range; readonly pointer: string }[];
  /** Set where nothing says what the whole text is. */
  readonly free?: FreeTextOptions;
  readonly regex?: string;
  readonly choices?: readonly string[];
  readonly jsonSchema?: GenerationRequest['json_schema'];
  readonly include: readonly IncludePhrase[];
  readonly exclude: readonly IncludePhrase[];
  readonly facts: ReadonlyMap<string, string>;
  /** Facts that stand in the template. */
  readonly referenced: ReadonlySet<string>;
  readonly stated: readonly StatedConstraint[];
}

/** A name inside a JSON Pointer (RFC 6901). */
export function pointerToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

type Stated = { unit: keyof InlineBounds; range: Range; pointer: string }[];

function measuresOf(bounds: Stated): Measures {
  let tokens = ANY_LENGTH;
  const text: Partial<Record<TextUnit, Range>> = {};
  for (const { unit, range } of bounds) {
    if (unit === 'tokens') tokens = narrow(tokens, range);
    else text[unit] = narrow(text[unit] ?? ANY_LENGTH, range);
  }
  return { tokens, text };
}

const UNITS = ['tokens', ...TEXT_UNITS] as const;

function planHole(name: string, inline: InlineBounds, spec: HoleSpec): HolePlan {
  const pointer = `/holes/${name}`;
  const bounds: Stated = [];
  const all: Bounds[] = [];
  for (const unit of UNITS) {
    for (const [stated, at] of [
      [inline[unit], '/template'],
      [spec[unit], `${pointer}/${unit}`],
    ] as const) {
      if (stated === undefined) continue;
      all.push(stated);
      bounds.push({ unit, range: rangeOf(stated), pointer: at });
    }
  }
  const measures = measuresOf(bounds);
  const { regex, choices } = spec;
  const counted = measures.text.words !== undefined || measures.text.sentences !== undefined;
  const free =
    regex === undefined && choices === undefined ? { lines: false, empty: all.some(allowsZero), counted } : undefined;
  const exclude = (spec.exclude ?? []).map((phrase, i) => readPhrase(phrase, `${pointer}/exclude/${i}`));
  return { kind: 'hole', name, pointer, measures, bounds, regex, choices, exclude, free };
}

/** Reads a request. Throws invalid_template, invalid_request with JSON Pointer; nothing is compiled yet. */
export function readPlan(request: GenerationRequest): Plan {
  refuseChoiceProbabilities(request);
  const facts = new Map<string, string>();
  for (const [name, value] of Object.entries(request.facts ?? {})) {
    const pointer = `/facts/${pointerToken(name)}`;
    if (facts.size >= LIMITS.facts) {
      throw problem('limit_exceeded', `facts has more than ${LIMITS.facts} values.`, { pointer: '/facts' });
    }
    const text = String(value);
    if (!text.isWellFormed()) {
      throw problem('invalid_request', `The fact at ${pointer} holds a lone surrogate.`, { pointer });
    }
    facts.set(name, text);
  }
  const referenced = new Set<string>();
  const segments =
    request.template === undefined ? undefined : planSegments(request, request.template, facts, referenced);
  if (segments === undefined && Object.keys(request.holes ?? {}).length > 0) {
    throw problem('invalid_request', 'holes is given without a template to hold them.', { pointer: '/holes' });
  }
  const entries = lengthsOf(request.length);
  const lengths = entries.map(({ spec, pointer }) => ({ unit: spec.unit, range: rangeOf(spec), pointer }));
  const measures = measuresOf(lengths);
  const shaped =
    segments !== undefined ||
    request.regex !== undefined ||
    request.choices !== undefined ||
    request.json_schema !== undefined;
  const free = shaped
    ? undefined
    : {
        lines: true,
        empty: entries.some(({ spec }) => allowsZero(spec)),
        counted: measures.text.words !== undefined || measures.text.sentences !== undefined,
      };
  const phrases = [
    ...(request.include ?? []).map((spec, i) => readPhrase(spec, `/include/${i}`)),
    ...[...facts].flatMap(([name, text]) =>
      referenced.has(name)
        ? []
        : [{ pointer: `/facts/${pointerToken(name)}`, text, caseSensitive: true, wholeWord: false }],
    ),
  ];
  const plan = {
    segments,
    measures,
    lengths,
    free,
    regex: request.regex,
    choices: request.choices,
    jsonSchema: request.json_schema,
    include: phrases,
    exclude: (request.exclude ?? []).map((spec, i) => readPhrase(spec, `/exclude/${i}`)),
    facts,
    referenced,
  };
  return { ...plan, stated: statedBy(plan) };
}

/** Probabilities of choices can only be given where there are choices. */
function refuseChoiceProbabilities({ choice_probabilities, choices, template, holes }: GenerationRequest): void {
  if (choice_probabilities !== true) return;
  const asked = template === undefined ? [choices] : Object.values(holes ?? {}).map((hole) => hole.choices);
  if (asked.some((list) => list !== undefined)) return;
  const detail = 'choice_probabilities is given, but neither the text nor a hole of the template has choices.';
  throw problem('invalid_request', detail, { pointer: '/choice_probabilities' });
}

function planSegments(
  request: GenerationRequest,
  template: string,
  facts: ReadonlyMap<string, string>,
  referenced: Set<string>,
): SegmentPlan[] {
  const segments: SegmentPlan[] = [];
  const holes = request.holes ?? {};
  const names = new Set<string>();
  const put = (text: string) => {
    const last = segments.at(-1);
    if (last?.kind === 'literal') segments[segments.length - 1] = { kind: 'literal', text: last.text + text };
    else if (text !== '') segments.push({ kind: 'literal', text });
  };
  for (const part of parseTemplate(template)) {
    if (part.kind === 'literal') put(part.text);
    else if (part.kind === 'hole') {
      names.add(part.name);
      const spec = Object.hasOwn(holes, part.name) ? holes[part.name] : {};
      segments.push(planHole(part.name, part.bounds, spec));
    } else {
      const value = facts.get(part.name);
      if (value === undefined) {
        const detail = `The template refers to the fact '${part.name.slice(0, 40)}', which facts does not hold.`;
        throw problem('invalid_template', detail, { pointer: '/template' });
      }
      referenced.add(part.name);
      put(value);
    }
  }
  for (const name of Object.keys(holes)) {
    if (names.has(name)) continue;
    const pointer = `/holes/${pointerToken(name)}`;
    throw problem('invalid_request', `holes names '${name.slice(0, 40)}', but the template has no such hole.`, {
      pointer,
    });
  }
  return segments;
}

function statedBy(plan: Omit<Plan, 'stated'>): StatedConstraint[] {
  const stated: StatedConstraint[] = [];
  const say = (pointer: string, kind: ConstraintKind, description: string) =>
    stated.push({ pointer, kind, description });
  if (plan.segments !== undefined) say('/template', 'template', 'the text of the template, byte for byte');
  for (const segment of plan.segments ?? []) {
    if (segment.kind === 'literal') continue;
    for (const { unit, range, pointer } of segment.bounds) {
      say(pointer, 'length', `${describeRange(range, unit)} in '${segment.name}'`);
    }
    if (segment.regex !== undefined)
      say(`${segment.pointer}/regex`, 'regex', `'${segment.name}' matches ${segment.regex}`);
    if (segment.choices !== undefined) {
      say(`${segment.pointer}/choices`, 'choices', `'${segment.name}' is one of ${segment.choices.length} choices`);
    }
    for (const phrase of segment.exclude) {
      say(phrase.pointer, 'exclude', `'${segment.name}' does not hold ${describePhrase(phrase)}`);
    }
  }
  for (const { unit, range, pointer } of plan.lengths) say(pointer, 'length', describeRange(range, unit));
  if (plan.regex !== undefined) say('/regex', 'regex', `matches ${plan.regex}`);
  if (plan.choices !== undefined) say('/choices', 'choices', `one of ${plan.choices.length} choices`);
  if (plan.jsonSchema !== undefined) say('/json_schema', 'json_schema', 'valid under the JSON Schema');
  for (const phrase of plan.include) {
    const kind = phrase.pointer.startsWith('/facts/') ? 'fact' : 'include';
    say(phrase.pointer, kind, `holds ${describePhrase(phrase)}`);
  }
  for (const name of plan.referenced) {
    say(`/facts/${pointerToken(name)}`, 'fact', `holds '${plan.facts.get(name)}'`);
  }
  for (const phrase of plan.exclude) say(phrase.pointer, 'exclude', `does not hold ${describePhrase(phrase)}`);
  return stated;
}

function describePhrase({ text, caseSensitive, wholeWord }: IncludePhrase): string {
  return `'${text}'${caseSensitive ? '' : ' in any case'}${wholeWord ? ' as a whole word' : ''}`;
}

/** True when the literals alone already hold the phrase, whatever stands in the holes. */
export function literalsHold(plan: Pick<Plan, 'segments'>, phrase: IncludePhrase): boolean {
  const segments = plan.segments ?? [];
  return segments.some(
    (segment, i) =>
      segment.kind === 'literal' &&
      holdsPhrase(segment.text, phrase, { start: i === 0, end: i === segments.length - 1 }),
  );
}

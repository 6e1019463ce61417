/**
 * What a position of a JSON text may hold, as alternatives of one type each: schemas that apply at the same place are
 * merged (allOf, $ref, siblings), choices between them become alternatives (anyOf, oneOf, dependent keywords).
 *
 * Properties and items stay schemas: they are expanded when a value is written there, so recursion costs nothing here.
 */
import { problem } from '../../contract/problem.ts';
import type { Alternative, Facts } from './alternative.ts';
import { ALTERNATIVE_LIMIT, type Choice, type Context, idOf, keyOf, spend } from './context.ts';
import { provablyDisjoint } from './disjoint.ts';
import { isRecord, type Place } from './document.ts';
import { holdsHere } from './holds.ts';
import { type Keywords, keywordsOf, speaksOf, type TypeName } from './keywords.ts';
import { numberSet } from './number-set.ts';
import { arraySet, objectSet, stringSet } from './sets.ts';

/** All alternatives of a value that every one of these schemas must accept; none when nothing can be accepted. */
export function alternativesOf(context: Context, places: readonly Place[]): readonly Alternative[] {
  const key = keyOf(context, places);
  let alternatives = context.alternatives.get(key);
  if (alternatives === undefined) {
    alternatives = expand(context, places);
    context.alternatives.set(key, alternatives);
  }
  return alternatives;
}

/** The schema itself where a place holds nothing but a reference to it. */
export function behindReferences(context: Context, place: Place): Place {
  const seen = new Set<unknown>();
  let at = place;
  while (isRecord(at.schema) && !seen.has(at.schema)) {
    seen.add(at.schema);
    const { ref, pointer: _pointer, ...others } = keywordsOf(context, { schema: at.schema, pointer: at.pointer });
    if (ref === undefined || Object.keys(others).length > 0) return at;
    at = context.document.resolve(ref.value, ref.pointer);
  }
  // Round in a circle: expanding it says so.
  return isRecord(at.schema) ? place : at;
}

/** Most schemas inside each other (allOf, anyOf, oneOf, $ref) that all speak of the same value. */
const IN_PLACE_LIMIT = 100;

/** A schema to be merged in, and the schemas that led to it without a value between. */
interface Item {
  readonly place: Place;
  readonly via: Item | undefined;
  /** Schemas on the way. */
  readonly depth: number;
}

function expand(context: Context, places: readonly Place[]): readonly Alternative[] {
  const out = new Map<string, Alternative>();
  let branches = 0;
  interface Open {
    readonly choice: Choice;
    readonly from: Item;
  }
  const merge = (todo: readonly Item[], facts: Facts, seen: ReadonlySet<object>, choices: readonly Open[]): void => {
    const pending = [...todo].reverse();
    const merged = [...facts];
    const visited = new Set(seen);
    const open = [...choices];
    for (let item = pending.pop(); item !== undefined; item = pending.pop()) {
      spend(context, 1);
      const { schema } = item.place;
      if (schema === true) continue;
      if (!isRecord(schema)) return;
      refuseLoop(item);
      if (visited.has(schema)) continue;
      visited.add(schema);
      const keywords = keywordsOf(context, { schema, pointer: item.place.pointer });
      merged.push(keywords);
      const inPlace = [...(keywords.allOf ?? [])];
      if (keywords.ref !== undefined) inPlace.push(context.document.resolve(keywords.ref.value, keywords.ref.pointer));
      for (const place of inPlace.reverse()) pending.push({ place, via: item, depth: item.depth + 1 });
      for (const choice of choicesOf(context, keywords)) open.push({ choice, from: item });
    }
    const [next, ...rest] = open;
    if (next === undefined) {
      for (const alternative of alternativesOfFacts(context, merged))
        out.set(signature(context, alternative), alternative);
      if (++branches > ALTERNATIVE_LIMIT) tooMany(places);
      return;
    }
    for (const option of next.choice) {
      merge(
        option.map((place) => ({ place, via: next.from, depth: next.from.depth + 1 })),
        merged,
        visited,
        rest,
      );
    }
  };
  merge(
    places.map((place) => ({ place, via: undefined, depth: 0 })),
    [],
    new Set(),
    [],
  );
  return [...out.values()];
}

/** Alternatives with the same signature are the same: only keywords that speak of their type tell them apart. */
function signature(context: Context, alternative: Alternative): string {
  const { kind, facts } = alternative;
  if (kind === 'constant') return `constant ${JSON.stringify(alternative.value)}`;
  const relevant = facts.filter((fact) => speaksOf(fact, kind)).map((fact) => idOf(context, fact));
  return `${kind} ${kind === 'number' && alternative.integer} ${relevant.sort((a, b) => a - b).join()}`;
}

function tooMany(places: readonly Place[]): never {
  const pointer = places[0]?.pointer ?? '';
  throw problem('limit_exceeded', `The schema at ${pointer} leaves more than ${ALTERNATIVE_LIMIT} ways open.`, {
    pointer,
  });
}

function refuseLoop(item: Item): void {
  if (item.depth > IN_PLACE_LIMIT) {
    const { pointer } = item.place;
    const detail = `The schema at ${pointer} stands behind more than ${IN_PLACE_LIMIT} others for the same value.`;
    throw problem('limit_exceeded', detail, { pointer });
  }
  for (let above = item.via; above !== undefined; above = above.via) {
    if (above.place.schema !== item.place.schema) continue;
    const pointer = `${item.via?.place.pointer ?? ''}/$ref`;
    throw problem(
      'unsupported_constraint',
      `The reference at ${pointer} leads back to itself without a value between.`,
      {
        pointer,
      },
    );
  }
}

/** The choices a schema leaves open. */
function choicesOf(context: Context, keywords: Keywords): readonly Choice[] {
  const known = context.choices.get(keywords);
  if (known !== undefined) return known;
  const choices: Choice[] = [];
  const { anyOf, oneOf } = keywords;
  if (anyOf !== undefined) choices.push(anyOf.value.map((option) => [option]));
  if (oneOf !== undefined) {
    refuseOverlap(context, keywords, oneOf.value, oneOf.pointer);
    choices.push(oneOf.value.map((option) => [option]));
  }
  // "If it has this property, then ..." is a choice: it has not, or it has and ... What it names is declared either way.
  const ifPresent = (name: string, others: readonly string[], required: readonly string[], place: Place) => {
    const declared = Object.fromEntries(others.map((other) => [other, true]));
    const { pointer } = place;
    const absent = { schema: { properties: { ...declared, [name]: false } }, pointer };
    const present = { schema: { properties: { ...declared, [name]: true }, required: [name, ...required] }, pointer };
    choices.push([[absent], [present, place]]);
  };
  for (const [name, { value, pointer }] of keywords.dependentRequired ?? []) {
    ifPresent(name, value, value, { schema: true, pointer });
  }
  for (const [name, place] of keywords.dependentSchemas ?? []) {
    const { schema } = place;
    const others = isRecord(schema) && isRecord(schema.properties) ? Object.keys(schema.properties) : [];
    ifPresent(
      name,
      others.filter((other) => other !== name),
      [],
      place,
    );
  }
  context.choices.set(keywords, choices);
  return choices;
}

/** oneOf is anyOf where no value fits two of the options; anything else is refused. */
function refuseOverlap(context: Context, keywords: Keywords, options: readonly Place[], pointer: string): void {
  const sets = options.map((option) =>
    alternativesOf(context, [option]).flatMap((alternative) =>
      alternativesOfFacts(context, [keywords, ...alternative.facts]),
    ),
  );
  for (let i = 0; i < sets.length; i++) {
    for (let j = 0; j < i; j++) {
      for (const a of sets[i]) {
        for (const b of sets[j]) {
          spend(context, 1);
          if (provablyDisjoint(context, a, b, alternativesOf)) continue;
          throw problem(
            'unsupported_constraint',
            `The keyword oneOf at ${pointer} is not supported here: a value might fit both option ${j} and option ${i}. Use anyOf, or give each a property with a const of its own.`,
            { pointer },
          );
        }
      }
    }
  }
}

const EVERY_TYPE: readonly TypeName[] = ['null', 'boolean', 'number', 'string', 'array', 'object'];

function alternativesOfFacts(context: Context, facts: Facts): readonly Alternative[] {
  let types: readonly TypeName[] = EVERY_TYPE;
  let integer = false;
  for (const { types: stated } of facts) {
    if (stated === undefined) continue;
    if (stated.includes('integer') && !stated.includes('number')) integer = true;
    types = types.filter((type) => stated.includes(type) || (type === 'number' && stated.includes('integer')));
  }
  const constants = constantsOf(context, facts);
  if (constants !== undefined) return constants.map((value) => ({ kind: 'constant', value, facts }));
  const out: Alternative[] = [];
  for (const kind of types) {
    if (kind === 'null' || kind === 'boolean') out.push({ kind, facts });
    else if (kind === 'number') {
      const set = numberSet(facts, integer);
      if (set !== undefined) out.push({ kind, facts, ...set });
    } else if (kind === 'string') {
      const set = stringSet(facts);
      if (set !== undefined) out.push({ kind, facts, ...set });
    } else if (kind === 'array') {
      const set = arraySet(facts);
      if (set !== undefined) out.push({ kind, facts, ...set });
    } else if (kind === 'object') {
      const set = objectSet(context, facts);
      if (set !== undefined) out.push({ kind, facts, ...set });
    }
  }
  return out;
}

/** The values of enum and const that satisfy everything else; undefined where neither is stated. */
function constantsOf(context: Context, facts: Facts): unknown[] | undefined {
  const holder = facts.find((fact) => fact.const !== undefined || fact.enum !== undefined);
  if (holder === undefined) return undefined;
  const { const: only, enum: list, ...others } = holder;
  const values = only === undefined ? (list ?? []) : [only.value];
  const rest: Facts = [
    only === undefined ? others : { ...others, enum: list },
    ...facts.filter((fact) => fact !== holder),
  ];
  const kept = new Map<string, unknown>();
  for (const value of values) {
    spend(context, 1);
    if (rest.every((fact) => holdsHere(context, fact, value))) kept.set(JSON.stringify(value), value);
  }
  return [...kept.values()];
}

/**
 * Sets of strings, arrays and objects: what all keywords of a place say together about one type.
 */
import { problem } from '../../contract/problem.ts';
import type { ArraySet, Facts, Key, ObjectSet, StringSet } from './alternative.ts';
import type { Context } from './context.ts';
import { type Place, step } from './document.ts';
import { holds } from './holds.ts';
import type { Stated } from './keywords.ts';
import { matches } from './string-machine.ts';

/** Most items that `contains` may ask for: each doubles what is built for an item. */
export const CONTAINS_LIMIT = 8;

function highest(values: readonly (Stated<number> | undefined)[]): number {
  return Math.max(0, ...values.map((stated) => stated?.value ?? 0));
}

function lowest(values: readonly (Stated<number> | undefined)[]): number {
  return Math.min(Number.POSITIVE_INFINITY, ...values.map((stated) => stated?.value ?? Number.POSITIVE_INFINITY));
}

function present<T>(values: readonly (T | undefined)[]): T[] {
  return values.filter((value) => value !== undefined);
}

/** The strings that satisfy all facts; undefined when there are none. Likewise below. */
export function stringSet(facts: Facts): StringSet | undefined {
  const minLength = highest(facts.map((fact) => fact.minLength));
  const maxLength = lowest(facts.map((fact) => fact.maxLength));
  if (minLength > maxLength) return undefined;
  const unique = (stated: readonly Stated<string>[]) => [...new Map(stated.map((one) => [one.value, one])).values()];
  const patterns = unique(present(facts.map((fact) => fact.pattern)));
  const formats = unique(present(facts.map((fact) => fact.format)));
  return { minLength, maxLength, patterns, formats };
}

/** Throws unsupported_constraint for uniqueItems and for more than one contains. */
export function arraySet(facts: Facts): ArraySet | undefined {
  let min = highest(facts.map((fact) => fact.minItems));
  let max = lowest(facts.map((fact) => fact.maxItems));
  const prefix = Math.max(0, ...facts.map((fact) => fact.prefixItems?.length ?? 0));
  const item = (index: number): readonly Place[] =>
    present(facts.map(({ prefixItems, items }) => (index < (prefixItems?.length ?? 0) ? prefixItems?.[index] : items)));
  for (let index = 0; index <= prefix && index < max; index++) {
    if (item(index).some(({ schema }) => schema === false)) max = index;
  }
  const asked = facts.filter((fact) => fact.contains !== undefined && fact.minContains?.value !== 0);
  if (asked.length > 1) {
    const pointer = asked[1].contains?.pointer ?? '';
    const detail = `The keyword contains at ${pointer} is not supported beside another one for the same array.`;
    throw problem('unsupported_constraint', detail, { pointer });
  }
  const [holder] = asked;
  const needed = holder === undefined ? 0 : (holder.minContains?.value ?? 1);
  if (needed > CONTAINS_LIMIT) {
    const pointer = holder.minContains?.pointer ?? '';
    throw problem('limit_exceeded', `minContains at ${pointer} is ${needed}; at most ${CONTAINS_LIMIT} is allowed.`, {
      pointer,
    });
  }
  min = Math.max(min, needed);
  if (min > max) return undefined;
  const unique = facts.find((fact) => fact.uniqueItems?.value === true)?.uniqueItems;
  if (unique !== undefined && max > 1) {
    const { pointer } = unique;
    throw problem(
      'unsupported_constraint',
      `The keyword uniqueItems at ${pointer} is not supported: items of a list cannot be compared with each other.`,
      { pointer },
    );
  }
  const contains = holder?.contains === undefined ? undefined : { place: holder.contains, min: needed };
  return { min, max, prefix: Math.min(prefix, max), item, contains };
}

/**
 * Only declared properties are written (named by `properties` or `required`), in the order of their declaration: texts
 * with other keys may be valid but are never generated.
 */
export function objectSet(context: Context, facts: Facts): ObjectSet | undefined {
  const required = new Set(facts.flatMap((fact) => fact.required ?? []));
  const names = new Set([...facts.flatMap((fact) => [...(fact.properties?.keys() ?? [])]), ...required]);
  const keys: Key[] = [];
  for (const name of names) {
    const places = placesOf(context, facts, name);
    if (places !== undefined) keys.push({ name, required: required.has(name), places });
    else if (required.has(name)) return undefined;
  }
  const min = highest(facts.map((fact) => fact.minProperties));
  const max = lowest(facts.map((fact) => fact.maxProperties));
  if (min > max || required.size > max) return undefined;
  if (keys.length === 0 && max > 0) refuseMap(facts);
  if (min > keys.length) {
    const closed = facts.some((fact) => fact.additionalProperties?.schema === false && !fact.patternProperties?.size);
    if (closed) return undefined;
    const pointer = facts.find((fact) => fact.minProperties?.value === min)?.minProperties?.pointer ?? '';
    const detail = `minProperties at ${pointer} asks for ${min} properties and ${keys.length} can be written: only declared ones are.`;
    throw problem('unsupported_constraint', detail, { pointer });
  }
  return { keys, min, max };
}

/** The schemas of one property's value; undefined when the property must not be there. */
function placesOf(context: Context, facts: Facts, name: string): readonly Place[] | undefined {
  const places: Place[] = [];
  for (const { properties, patternProperties, additionalProperties, propertyNames } of facts) {
    let named = false;
    const own = properties?.get(name);
    if (own !== undefined) {
      places.push(own);
      named = true;
    }
    for (const [pattern, place] of patternProperties ?? []) {
      if (!matches(context, pattern, place.pointer, name)) continue;
      places.push(place);
      named = true;
    }
    if (!named && additionalProperties !== undefined) places.push(additionalProperties);
    if (propertyNames !== undefined && !holds(context, propertyNames, name)) return undefined;
  }
  return places.some(({ schema }) => schema === false) ? undefined : places;
}

/** A schema of keys that nobody names asks for what is never generated: better refused than always empty. */
function refuseMap(facts: Facts): void {
  for (const { pointer: at, additionalProperties, patternProperties } of facts) {
    const free = additionalProperties !== undefined && additionalProperties.schema !== false;
    if (!free && !patternProperties?.size) continue;
    const name = free ? 'additionalProperties' : 'patternProperties';
    const pointer = step(at, name);
    const detail = `The keyword ${name} at ${pointer} is not supported without properties: only declared ones are written.`;
    throw problem('unsupported_constraint', detail, { pointer });
  }
}

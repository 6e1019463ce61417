/**
 * Does a given value satisfy a schema? Sorts out enum and const values; decided on the value, without any automaton.
 */
import { problem } from '../../contract/problem.ts';
import { type Context, spend } from './context.ts';
import { isRecord, type Place } from './document.ts';
import { type Keywords, keywordsOf, type TypeName } from './keywords.ts';
import { isFormat, matches } from './string-machine.ts';

/** References followed on the way to one value before they are taken for a circle. */
const DEPTH_LIMIT = 200;

/** True when a value satisfies a schema. Throws what reading the schema throws. */
export function holds(context: Context, place: Place, value: unknown, depth = 0): boolean {
  spend(context, 1);
  const { schema, pointer } = place;
  if (typeof schema === 'boolean') return schema;
  if (!isRecord(schema)) return false;
  if (depth > DEPTH_LIMIT) {
    throw problem('limit_exceeded', `The schema at ${pointer} leads through more than ${DEPTH_LIMIT} references.`, {
      pointer,
    });
  }
  const keywords = keywordsOf(context, { schema, pointer });
  const { ref, allOf, anyOf, oneOf, dependentRequired, dependentSchemas } = keywords;
  const inPlace = (next: Place) => holds(context, next, value, depth + 1);
  if (ref !== undefined && !inPlace(context.document.resolve(ref.value, ref.pointer))) return false;
  if (allOf !== undefined && !allOf.every(inPlace)) return false;
  if (anyOf !== undefined && !anyOf.value.some(inPlace)) return false;
  if (oneOf !== undefined && oneOf.value.filter(inPlace).length !== 1) return false;
  if (isRecord(value)) {
    for (const [name, { value: others }] of dependentRequired ?? []) {
      if (Object.hasOwn(value, name) && !others.every((other) => Object.hasOwn(value, other))) return false;
    }
    for (const [name, then] of dependentSchemas ?? []) {
      if (Object.hasOwn(value, name) && !inPlace(then)) return false;
    }
  }
  return holdsHere(context, keywords, value, depth);
}

/** True when a value satisfies the keywords of one schema object, those that apply other schemas to it aside. */
export function holdsHere(context: Context, keywords: Keywords, value: unknown, depth = 0): boolean {
  if (keywords.types !== undefined && !keywords.types.some((type) => isOf(type, value))) return false;
  if (keywords.const !== undefined && !equal(keywords.const.value, value)) return false;
  if (keywords.enum !== undefined && !isListed(context, keywords.enum, value)) return false;
  if (typeof value === 'number') return numberHolds(keywords, value);
  if (typeof value === 'string') return stringHolds(context, keywords, value);
  if (Array.isArray(value)) return arrayHolds(context, keywords, value, depth);
  return !isRecord(value) || objectHolds(context, keywords, value, depth);
}

function isListed(context: Context, list: readonly unknown[], value: unknown): boolean {
  spend(context, list.length >> 4);
  return list.includes(value) || (typeof value === 'object' && list.some((option) => equal(option, value)));
}

function isOf(type: TypeName, value: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isRecord(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function numberHolds(keywords: Keywords, value: number): boolean {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = keywords;
  return (
    (minimum === undefined || value >= minimum.value) &&
    (maximum === undefined || value <= maximum.value) &&
    (exclusiveMinimum === undefined || value > exclusiveMinimum.value) &&
    (exclusiveMaximum === undefined || value < exclusiveMaximum.value) &&
    // As ajv has it: the quotient of the doubles, and none too large to tell.
    (multipleOf === undefined ||
      (Number.isInteger(value / multipleOf.value) && Math.abs(value / multipleOf.value) < 1e21))
  );
}

function stringHolds(context: Context, { minLength, maxLength, pattern, format }: Keywords, value: string): boolean {
  const length = minLength === undefined && maxLength === undefined ? 0 : [...value].length;
  return (
    (minLength === undefined || length >= minLength.value) &&
    (maxLength === undefined || length <= maxLength.value) &&
    (pattern === undefined || matches(context, pattern.value, pattern.pointer, value)) &&
    (format === undefined || isFormat(format.value, value))
  );
}

function arrayHolds(context: Context, keywords: Keywords, value: readonly unknown[], depth: number): boolean {
  const { minItems, maxItems, uniqueItems, prefixItems, items, contains, minContains } = keywords;
  if (minItems !== undefined && value.length < minItems.value) return false;
  if (maxItems !== undefined && value.length > maxItems.value) return false;
  if (uniqueItems?.value === true) {
    spend(context, (value.length ** 2) >> 1);
    if (value.some((item, i) => value.slice(0, i).some((other) => equal(item, other)))) return false;
  }
  for (let i = 0; i < value.length; i++) {
    const place = i < (prefixItems?.length ?? 0) ? prefixItems?.[i] : items;
    if (place !== undefined && !holds(context, place, value[i], depth + 1)) return false;
  }
  if (contains === undefined) return true;
  return value.filter((item) => holds(context, contains, item, depth + 1)).length >= (minContains?.value ?? 1);
}

function objectHolds(
  context: Context,
  keywords: Keywords,
  value: Readonly<Record<string, unknown>>,
  depth: number,
): boolean {
  const { properties, patternProperties, additionalProperties, propertyNames } = keywords;
  const names = Object.keys(value);
  if (names.length < (keywords.minProperties?.value ?? 0)) return false;
  if (names.length > (keywords.maxProperties?.value ?? Number.POSITIVE_INFINITY)) return false;
  if (!(keywords.required ?? []).every((name) => Object.hasOwn(value, name))) return false;
  return names.every((name) => {
    if (propertyNames !== undefined && !holds(context, propertyNames, name, depth + 1)) return false;
    const places: Place[] = [];
    const own = properties?.get(name);
    if (own !== undefined) places.push(own);
    for (const [pattern, place] of patternProperties ?? []) {
      if (matches(context, pattern, place.pointer, name)) places.push(place);
    }
    if (places.length === 0 && additionalProperties !== undefined) places.push(additionalProperties);
    return places.every((place) => holds(context, place, value[name], depth + 1));
  });
}

/** Equality of JSON values: the order of keys does not matter. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]));
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && equal(a[name], b[name]))
  );
}

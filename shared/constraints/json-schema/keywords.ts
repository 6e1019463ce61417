/**
 * What each JSON Schema keyword is to this compiler: enforced, an annotation, or refused by name.
 *
 * `readSchema` is the only place that looks at raw keywords; everything behind it works on typed values.
 */
import { problem } from '../../contract/problem.ts';
import { isRecord, type Place, step } from './document.ts';
import { FORMATS } from './formats.ts';

export type TypeName = 'null' | 'boolean' | 'object' | 'array' | 'number' | 'integer' | 'string';

export const TYPE_NAMES: readonly TypeName[] = ['null', 'boolean', 'object', 'array', 'number', 'integer', 'string'];

/** A number as stated, with the pointer of its keyword. */
export interface Stated<T> {
  readonly value: T;
  readonly pointer: string;
}

/** The enforced keywords of one schema object. */
export interface Keywords {
  readonly pointer: string;
  readonly types?: readonly TypeName[];
  readonly enum?: readonly unknown[];
  readonly const?: Stated<unknown>;
  readonly minimum?: Stated<number>;
  readonly maximum?: Stated<number>;
  readonly exclusiveMinimum?: Stated<number>;
  readonly exclusiveMaximum?: Stated<number>;
  readonly multipleOf?: Stated<number>;
  readonly minLength?: Stated<number>;
  readonly maxLength?: Stated<number>;
  readonly pattern?: Stated<string>;
  readonly format?: Stated<string>;
  readonly minItems?: Stated<number>;
  readonly maxItems?: Stated<number>;
  readonly uniqueItems?: Stated<boolean>;
  readonly prefixItems?: readonly Place[];
  readonly items?: Place;
  readonly contains?: Place;
  readonly minContains?: Stated<number>;
  readonly properties?: ReadonlyMap<string, Place>;
  readonly patternProperties?: ReadonlyMap<string, Place>;
  readonly additionalProperties?: Place;
  readonly propertyNames?: Place;
  readonly required?: readonly string[];
  readonly minProperties?: Stated<number>;
  readonly maxProperties?: Stated<number>;
  readonly dependentRequired?: ReadonlyMap<string, Stated<readonly string[]>>;
  readonly dependentSchemas?: ReadonlyMap<string, Place>;
  readonly ref?: Stated<string>;
  readonly allOf?: readonly Place[];
  readonly anyOf?: Stated<readonly Place[]>;
  readonly oneOf?: Stated<readonly Place[]>;
}

/** Keywords that describe and do not constrain. `$defs` and `definitions` only hold what a $ref names. */
const ANNOTATIONS = new Set([
  ...['title', 'description', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly'],
  ...['$comment', '$anchor', '$defs', 'definitions'],
]);

const DIALECTS = /^https?:\/\/json-schema\.org\/(?:draft\/2020-12|draft\/2019-09|draft-07|draft-06)\/schema#?$/;

const CONDITION = 'conditions cannot be enforced; write the cases as anyOf';

const WHY: ReadonlyMap<string, string> = new Map([
  ['not', 'what a value is not cannot be generated towards'],
  ['if', CONDITION],
  ['then', CONDITION],
  ['else', CONDITION],
  ['maxContains', 'a most number of matching items cannot be counted'],
  ['unevaluatedProperties', 'use additionalProperties: false'],
  ['unevaluatedItems', 'use items: false'],
  ['$dynamicRef', 'use $ref'],
  ['$recursiveRef', 'use $ref'],
]);

type Reader = (value: unknown, pointer: string) => unknown;

function invalid(pointer: string, expected: string): never {
  throw problem('invalid_request', `${pointer} must be ${expected}.`, { pointer });
}

function refuse(pointer: string, name: string, why: string): never {
  throw problem('unsupported_constraint', `The keyword ${name} at ${pointer} is not supported: ${why}.`, { pointer });
}

const number: Reader = (value, pointer) =>
  typeof value === 'number' && Number.isFinite(value) ? { value, pointer } : invalid(pointer, 'a number');

const count: Reader = (value, pointer) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0
    ? { value, pointer }
    : invalid(pointer, 'a whole number of at least 0');

const string: Reader = (value, pointer) =>
  typeof value === 'string' ? { value, pointer } : invalid(pointer, 'a string');

const schema: Reader = (value, pointer) =>
  isRecord(value) || typeof value === 'boolean' ? { schema: value, pointer } : invalid(pointer, 'a schema');

const schemas: Reader = (value, pointer) =>
  Array.isArray(value) && value.length > 0
    ? value.map((item, i) => schema(item, step(pointer, i)))
    : invalid(pointer, 'a list of at least one schema');

const statedSchemas: Reader = (value, pointer) => ({ value: schemas(value, pointer), pointer });

const schemaMap: Reader = (value, pointer) =>
  isRecord(value)
    ? new Map(Object.entries(value).map(([name, inside]) => [name, schema(inside, step(pointer, name))]))
    : invalid(pointer, 'an object of schemas');

const names: Reader = (value, pointer) =>
  Array.isArray(value) && value.every((name) => typeof name === 'string')
    ? value
    : invalid(pointer, 'a list of property names');

const READERS: Readonly<Record<string, Reader>> = {
  enum: (value, pointer) => (Array.isArray(value) ? value : invalid(pointer, 'a list of values')),
  const: (value, pointer) => ({ value, pointer }),
  minimum: number,
  maximum: number,
  exclusiveMinimum: number,
  exclusiveMaximum: number,
  multipleOf: (value, pointer) =>
    typeof value === 'number' && value > 0 ? { value, pointer } : invalid(pointer, 'a number above 0'),
  minLength: count,
  maxLength: count,
  pattern: string,
  format: (value, pointer) => {
    if (typeof value !== 'string') return invalid(pointer, 'a string');
    if (!FORMATS.has(value))
      refuse(pointer, 'format', `${JSON.stringify(value)} is none of ${[...FORMATS].join(', ')}`);
    return { value, pointer };
  },
  minItems: count,
  maxItems: count,
  uniqueItems: (value, pointer) =>
    typeof value === 'boolean' ? { value, pointer } : invalid(pointer, 'true or false'),
  prefixItems: schemas,
  items: (value, pointer) =>
    Array.isArray(value) ? refuse(pointer, 'items', 'a list of schemas; use prefixItems') : schema(value, pointer),
  contains: schema,
  minContains: count,
  properties: schemaMap,
  patternProperties: schemaMap,
  additionalProperties: schema,
  propertyNames: schema,
  required: names,
  minProperties: count,
  maxProperties: count,
  dependentRequired: (value, pointer) =>
    isRecord(value)
      ? new Map(
          Object.entries(value).map(([name, list]) => {
            const at = step(pointer, name);
            return [name, { value: names(list, at), pointer: at }];
          }),
        )
      : invalid(pointer, 'an object of lists of property names'),
  dependentSchemas: schemaMap,
  allOf: schemas,
  anyOf: statedSchemas,
  oneOf: statedSchemas,
};

/** What `keywordsOf` remembers: keywords by schema object. */
export interface KeywordMemo {
  readonly document: { readonly root: Place };
  readonly keywords: Map<object, Keywords>;
}

/**
 * The keywords of a schema object. Throws unsupported_constraint for a keyword that is not enforced, invalid_request for
 * one with a value the standard does not allow.
 */
export function keywordsOf(memo: KeywordMemo, place: Place & { readonly schema: object }): Keywords {
  let keywords = memo.keywords.get(place.schema);
  if (keywords === undefined) {
    keywords = readKeywords(place, place.schema === memo.document.root.schema);
    memo.keywords.set(place.schema, keywords);
  }
  return keywords;
}

function readKeywords({ schema: raw, pointer }: Place & { readonly schema: object }, root: boolean): Keywords {
  const keywords: Record<string, unknown> = { pointer };
  for (const [name, value] of Object.entries(raw)) {
    if (ANNOTATIONS.has(name) || value === undefined) continue;
    const at = step(pointer, name);
    if (Object.hasOwn(READERS, name)) keywords[name] = READERS[name](value, at);
    else if (name === '$ref') keywords.ref = string(value, at);
    else if (name === 'type') keywords.types = readTypes(value, at);
    else if (name === '$id') {
      if (!root) refuse(at, name, 'only the schema as a whole may have one');
    } else if (name === '$schema') {
      if (typeof value !== 'string' || !DIALECTS.test(value)) refuse(at, name, 'the dialect is draft 2020-12');
    } else if (name === 'maxContains' && !Object.hasOwn(raw, 'contains')) {
      // Without contains it says nothing.
    } else refuse(at, name, WHY.get(name) ?? 'it is not known here');
  }
  const read = keywords as unknown as Keywords;
  if (read.format !== undefined && !read.types?.includes('string')) {
    refuse(read.format.pointer, 'format', 'without type: string it is only an annotation');
  }
  return read;
}

function readTypes(value: unknown, pointer: string): readonly TypeName[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  for (const name of list) {
    if (!TYPE_NAMES.some((known) => known === name)) invalid(pointer, `one or more of ${TYPE_NAMES.join(', ')}`);
  }
  return list as readonly TypeName[];
}

const SUBJECTS = {
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  array: ['minItems', 'maxItems', 'uniqueItems', 'prefixItems', 'items', 'contains'],
  object: [
    ...(['properties', 'patternProperties', 'additionalProperties', 'propertyNames', 'required'] as const),
    ...(['minProperties', 'maxProperties'] as const),
  ],
  null: [],
  boolean: [],
} as const satisfies Record<string, readonly (keyof Keywords)[]>;

/** True when some keyword constrains the values of a type. */
export function speaksOf(keywords: Keywords, type: keyof typeof SUBJECTS): boolean {
  return SUBJECTS[type].some((name) => keywords[name] !== undefined);
}

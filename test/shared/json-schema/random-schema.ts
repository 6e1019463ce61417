/**
 * Random schemas with every supported keyword, and random instances made to their measure.
 *
 * Properties are declared in alphabetical order everywhere, so that the order an instance must have is known.
 */
import fc from 'fast-check';

export type Schema = Record<string, unknown>;

const NAMES = ['a', 'b', 'c', 'd"e', 'é'];
const WORDS = ['', 'a', 'ab', 'abc', 'A1', '12', 'ö\n', '"\\', '😀😀', 'x y'];
const PATTERNS = ['^[a-z]*$', 'b', '^.{1,3}$', '^(?:ab|\\d+)$', '[^a]', '^\\p{L}', '\\s', '^[A-Z]\\d{1,12}$'];
const FORMATS = ['date', 'time', 'date-time', 'uuid', 'ipv4', 'hostname', 'email', 'uri'];
const BOUNDS = [-1234.5, -100, -10, -1.25, -1, -0.001, 0, 0.000001, 0.3, 1, 2.5, 7, 10, 99.99, 1000, 123456789];

const some = <T extends object>(record: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(record as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: [] });

const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer({ min: -20, max: 20 }),
  fc.constantFrom(...BOUNDS, 1e21, 1e-7, 5e-324),
  fc.constantFrom(...WORDS),
);

const json: fc.Arbitrary<unknown> = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 3 }),
  fc.record(Object.fromEntries(NAMES.map((name) => [name, scalar])), { requiredKeys: [] }),
);

const numbers = some({
  minimum: fc.constantFrom(...BOUNDS),
  maximum: fc.constantFrom(...BOUNDS),
  exclusiveMinimum: fc.constantFrom(...BOUNDS),
  exclusiveMaximum: fc.constantFrom(...BOUNDS),
}).chain((bounds) =>
  fc.constantFrom(...Object.keys(bounds), '').map((kept) => (kept === '' ? bounds : { [kept]: bounds[kept] })),
);

const integers = fc.tuple(numbers, some({ multipleOf: fc.constantFrom(2, 3, 5, 7, 10, 100) })).map(merge);

const strings = some({
  minLength: fc.integer({ min: 0, max: 4 }),
  maxLength: fc.integer({ min: 0, max: 12 }),
  pattern: fc.constantFrom(...PATTERNS),
});

function merge(parts: readonly Schema[]): Schema {
  return Object.assign({}, ...parts);
}

const { schema } = fc.letrec<{ schema: Schema; value: Schema }>((tie) => {
  const value = tie('value') as fc.Arbitrary<Schema>;
  const objects = fc
    .tuple(
      fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 4 }),
      fc.array(value, { minLength: 4, maxLength: 4 }),
      fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      some({
        additionalProperties: fc.constantFrom<unknown>(false, false, { type: 'integer' }),
        minProperties: fc.integer({ min: 0, max: 2 }),
        maxProperties: fc.integer({ min: 0, max: 3 }),
        patternProperties: fc.constantFrom({ '^[ab]': { minimum: 0 } }, { '.': {} }),
        propertyNames: fc.constantFrom({ maxLength: 1 }, { minLength: 1 }),
        dependentRequired: fc.constantFrom({ a: ['b'] }),
      }),
    )
    .map(([names, values, required, rest]) => {
      const sorted = NAMES.filter((name) => names.includes(name));
      const declared = Object.fromEntries(sorted.map((name, i) => [name, values[i]]));
      const needed = sorted.filter((_, i) => required[i]);
      const { dependentRequired, ...others } = rest;
      const dependent = sorted.includes('a') && sorted.includes('b') ? { dependentRequired } : {};
      return {
        type: 'object',
        properties: declared,
        ...(needed.length > 0 ? { required: needed } : {}),
        ...others,
        ...(dependentRequired === undefined ? {} : dependent),
      };
    });
  const arrays = some({
    prefixItems: fc.array(value, { minLength: 1, maxLength: 2 }),
    items: value,
    minItems: fc.integer({ min: 0, max: 3 }),
    maxItems: fc.integer({ min: 0, max: 4 }),
    contains: value,
    minContains: fc.integer({ min: 0, max: 2 }),
  }).map(({ contains, ...rest }) => ({
    type: 'array',
    ...rest,
    // ajv 8.20 skips contains where an array is shorter than its prefixItems, and takes over the verdict on the array
    // before where one is empty.
    ...(contains === undefined || rest.prefixItems !== undefined
      ? {}
      : { contains, minItems: Math.max(1, Number(rest.minItems ?? 0)) }),
  }));
  const typed: fc.Arbitrary<Schema> = fc.oneof(
    numbers.map((bounds) => ({ type: 'number', ...bounds })),
    integers.map((bounds) => ({ type: 'integer', ...bounds })),
    strings.map((rest) => ({ type: 'string', ...rest })),
    fc.constantFrom(...FORMATS).map((format) => ({ type: 'string', format })),
    fc.constantFrom<Schema>({ type: 'null' }, { type: 'boolean' }, { type: ['string', 'null'] }, { type: 'integer' }),
    fc.array(json, { minLength: 1, maxLength: 4 }).map((values) => ({ enum: values })),
    json.map((constant) => ({ const: constant })),
    fc
      .tuple(fc.array(scalar, { minLength: 1, maxLength: 4 }), strings)
      .map(([values, rest]) => ({ enum: values, ...rest })),
    // Without a type: everything else is accepted.
    numbers,
    strings,
  );
  return {
    value: fc.oneof({ maxDepth: 2, depthSize: 'small' }, typed, objects, arrays, tie('schema') as fc.Arbitrary<Schema>),
    schema: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      typed,
      objects,
      arrays,
      fc.array(value, { minLength: 1, maxLength: 3 }).map((options) => ({ anyOf: options })),
      fc.tuple(value, value).map(([a, b]) => ({ allOf: [a, b] })),
      fc.tuple(value, value).map(([a, b]) => ({ oneOf: [a, b] })),
      fc.tuple(numbers, strings, value).map(([a, b, c]) => ({ ...a, ...b, anyOf: [c, { type: 'integer' }] })),
      value.map((inner) => ({ $defs: { x: inner }, type: 'array', items: { $ref: '#/$defs/x' }, maxItems: 2 })),
    ),
  };
});

/** A schema whose references all are of the document it is. */
export const schemas: fc.Arbitrary<Schema> = schema.map(liftDefinitions);

/** Definitions of inner schemas move to the root, where their references look for them. */
function liftDefinitions(root: Schema): Schema {
  const definitions: Record<string, unknown> = {};
  const lift = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(lift);
    if (typeof value !== 'object' || value === null) return value;
    const { $defs, ...rest } = value as Schema;
    if ($defs === undefined || (value as Schema).items === undefined) {
      return Object.fromEntries(Object.entries(value).map(([name, inside]) => [name, lift(inside)]));
    }
    const name = `x${Object.keys(definitions).length}`;
    definitions[name] = null;
    definitions[name] = lift(($defs as Schema).x);
    return { ...rest, items: { $ref: `#/$defs/${name}` } };
  };
  const lifted = lift(root) as Schema;
  return Object.keys(definitions).length === 0 ? lifted : { ...lifted, $defs: definitions };
}

const STRINGS = [
  ...WORDS,
  ...['2024-02-29', '1999-12-31', '12:34:56Z', '2024-01-31T23:59:59.5+01:00', 'A123', 'B1234567'],
  ...[
    'c56a4180-65aa-42ec-a945-5fd21dec0538',
    '192.168.0.1',
    'example.org',
    'ann@example.org',
    'https://example.org/a?b#c',
  ],
];

/** A value that a schema might accept; ajv decides whether it does. `pick(n)` is a whole number below n. */
export function instanceOf(root: Schema, given: unknown, pick: (below: number) => number, depth = 0): unknown {
  const from = <T>(list: readonly T[]): T => list[pick(list.length)];
  const value = given as Schema;
  if (typeof given !== 'object' || depth > 6) return from([0, 'a', null]);
  if (typeof value.$ref === 'string') {
    const name = value.$ref.split('/').at(-1) as string;
    return instanceOf(root, (root.$defs as Schema)[name], pick, depth + 1);
  }
  if ('const' in value) return value.const;
  if (Array.isArray(value.enum)) return from(value.enum);
  for (const name of ['anyOf', 'oneOf', 'allOf']) {
    const options = value[name];
    if (Array.isArray(options)) return instanceOf(root, from(options), pick, depth + 1);
  }
  const types = ['null', 'boolean', 'number', 'integer', 'string', 'array'];
  const stated = value.type === undefined ? types : ([] as unknown[]).concat(value.type);
  switch (from(stated)) {
    case 'null':
      return null;
    case 'boolean':
      return from([true, false]);
    case 'integer':
      return from([0, 1, 2, -3, 10, 35, 100, 210, -700, 1234500, 123456789]);
    case 'number': {
      const near = from([value.minimum, value.maximum, value.exclusiveMinimum, value.exclusiveMaximum, 0, 1]);
      const center = typeof near === 'number' ? near : 0;
      const double = new Float64Array([center + from([0, 0, 1e-9, -1e-9, 0.1, -0.5, 3, -40, 1e6])]);
      if (pick(4) === 0 && double[0] !== 0) new BigInt64Array(double.buffer)[0] += BigInt(pick(3) - 1);
      return double[0];
    }
    case 'string':
      return from(STRINGS);
    case 'array': {
      const prefix = Array.isArray(value.prefixItems) ? value.prefixItems : [];
      return Array.from({ length: pick(5) }, (_, i) => {
        const inner = prefix[i] ?? value.items;
        const wanted = value.contains !== undefined && pick(2) === 0 ? value.contains : inner;
        return instanceOf(root, wanted ?? { type: ['integer', 'string'] }, pick, depth + 1);
      });
    }
    default: {
      const properties = Object.entries((value.properties ?? {}) as Schema);
      const needed = (value.required ?? []) as string[];
      const kept = properties.filter(([name]) => needed.includes(name) || pick(2) === 0);
      return Object.fromEntries(kept.map(([name, inner]) => [name, instanceOf(root, inner, pick, depth + 1)]));
    }
  }
}

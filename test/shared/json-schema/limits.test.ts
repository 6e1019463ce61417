/** Schemas built to hurt get a bounded answer, and ordinary ones a fast one. */
import { describe, expect, it } from 'vitest';
import { compileJsonSchema } from '../../../shared/constraints/json-schema.ts';
import { ProblemError } from '../../../shared/contract/problem.ts';

/** Least of several runs, in milliseconds: what the work takes when nothing else runs. */
function leastTime(work: () => unknown, runs: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    work();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

function nested(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let schema: unknown = { type: 'string' };
  for (let i = 0; i < levels; i++) schema = wrap(schema);
  return schema;
}

const numbered = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const properties = (count: number, value: (i: number) => unknown) => ({
  type: 'object',
  properties: Object.fromEntries(numbered(count, (i) => [`property_${i}`, value(i)])),
});
const doubling = {
  $defs: Object.fromEntries(
    numbered(30, (i) => {
      const next = i === 29 ? { type: 'null' } : { $ref: `#/$defs/d${i + 1}` };
      return [`d${i}`, { type: 'object', properties: { a: next, b: next } }];
    }),
  ),
  $ref: '#/$defs/d0',
};
const bush = {
  anyOf: [{ type: 'null' }, properties(6, () => ({ $ref: '#' }))],
};

const HOSTILE: Record<string, unknown> = {
  'references that double at each level': doubling,
  'a schema six times inside itself': bush,
  'references in a circle': { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
  'arrays 5,000 deep': nested(5_000, (items) => ({ type: 'array', items })),
  'objects 500 deep': nested(500, (a) => ({ type: 'object', properties: { a }, required: ['a'] })),
  'allOf 5,000 deep': nested(5_000, (inner) => ({ allOf: [inner] })),
  'anyOf doubled 16 times': nested(16, (inner) => ({ anyOf: [inner, { allOf: [inner] }] })),
  'a product of 20 choices': { allOf: numbered(20, (i) => ({ anyOf: [{ minimum: i }, { maxLength: i }] })) },
  'an enum of 10,000': { enum: numbered(10_000, (i) => `v${(i * 7919) % 10_000}`) },
  'an enum of long texts': { enum: numbered(60, (i) => `${i}`.repeat(500)) },
  'a constant of 5,000 keys': { const: Object.fromEntries(numbered(5_000, (i) => [`k${i}`, i])) },
  '2,000 properties': properties(2_000, () => ({ type: 'boolean' })),
  '300 optional strings': properties(300, () => ({ type: 'string', maxLength: 30 })),
  '200 patterns': properties(200, (i) => ({ type: 'string', pattern: `^x${i}[a-z]{0,${i + 10}}$` })),
  '100 formats': properties(100, () => ({ type: 'string', format: 'date-time' })),
  'oneOf of 300 objects': {
    oneOf: numbered(300, (i) => ({ type: 'object', properties: { kind: { const: i } }, required: ['kind'] })),
  },
  '40 dependencies': {
    ...properties(41, () => ({ type: 'null' })),
    dependentRequired: Object.fromEntries(numbered(40, (i) => [`property_${i}`, [`property_${i + 1}`]])),
  },
  'an exploding pattern': { type: 'string', pattern: '[ab]*a[ab]{18}' },
  'patterns that explode and shrink again': properties(50, (i) => ({
    type: 'string',
    pattern: `^([ab]*a[ab]{8}|[ab]*|x{${i}})$`,
  })),
  'a unique list of 5,000': { const: numbered(5_000, (i) => i), uniqueItems: true },
};

describe('hostile schemas', () => {
  it.each(Object.entries(HOSTILE))('%s: a bounded answer that names its place', (_, schema) => {
    let refusals = 0;
    const least = leastTime(() => {
      try {
        compileJsonSchema(schema, '/json_schema');
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error;
        expect(['limit_exceeded', 'unsupported_constraint']).toContain(error.problem.code);
        expect(error.problem.pointer).toMatch(/^\/json_schema/);
        refusals++;
      }
    }, 4);
    expect([0, 4]).toContain(refusals);
    // 50 ms on a machine with nothing else to do; tests run beside others.
    expect(least).toBeLessThan(100);
  });
});

describe('ordinary schemas', () => {
  it('compiles 8 keys with nested arrays and enums in under 25 ms when warm', () => {
    const schema = {
      ...properties(5, (i) => ({ type: 'string', minLength: 1, maxLength: 20 + i })),
      additionalProperties: false,
    };
    Object.assign(schema.properties, {
      price: { type: 'number', minimum: 0, maximum: 99_999 },
      sizes: {
        type: 'array',
        maxItems: 4,
        items: {
          type: 'object',
          properties: { label: { enum: ['S', 'M', 'L', 'XL'] }, counts: { type: 'array', items: { type: 'integer' } } },
          required: ['label'],
        },
      },
      status: { enum: ['draft', 'active', 'sold out', 'archived'] },
    });
    const least = leastTime(() => compileJsonSchema(schema, '/json_schema'), 20);
    console.log(`8 keys compile in ${least.toFixed(1)} ms (least of 20)`);
    expect(least).toBeLessThan(25);
  });

  it('keeps lengths and counts in counters: they cost no states', () => {
    const states = (max: number) =>
      compileJsonSchema(
        { type: 'array', maxItems: max, items: { type: 'string', minLength: 2, maxLength: 10 * max } },
        '/json_schema',
      ).states;
    expect(states(1_000_000)).toBe(states(5));
  });

  it('compiles enums of a thousand words', () => {
    const automaton = compileJsonSchema({ enum: numbered(1_000, (i) => `value number ${i}`) }, '/json_schema');
    expect(automaton.states).toBeLessThan(1_500);
  });
});

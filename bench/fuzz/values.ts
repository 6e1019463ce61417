/** Random JSON: values that a schema allows, and values near to them that it may not. */
import { seeded, type Uniform } from '../random-requests.ts';

export type Schema = Readonly<Record<string, unknown>>;

export interface Dice {
  /** In [0, 1). */
  readonly random: Uniform;
  below(n: number): number;
  pick<Item>(items: readonly Item[]): Item;
}

/** Reproducible dice. */
export function createDice(seed: number): Dice {
  const random = seeded(seed);
  const below = (n: number) => Math.floor(random() * n);
  return { random, below, pick: (items) => items[below(items.length)] };
}

const WORDS = [
  'a',
  'warm blanket',
  'Über 9 €',
  '{{x}}',
  '{{x:words=1..2}}',
  'x\u0000y',
  '🦊',
  '',
  ' ',
  '[a-z]+',
  '("',
  '\ud800',
  'https://shop.example.com',
  '2031-01-01T00:00:00Z',
];
/** Deeper than a schema of the API goes, but for those that hold any value. */
const DEEPEST = 6;

/** A value that fits a schema as far as its words go; patterns are not followed. @param lookup schemas by reference */
export function randomValue(
  schema: Schema | boolean,
  dice: Dice,
  lookup: (reference: string) => Schema,
  depth = 0,
): unknown {
  if (typeof schema === 'boolean') return anything(dice, depth);
  if (typeof schema.$ref === 'string') return randomValue(lookup(schema.$ref), dice, lookup, depth);
  const variants = (schema.anyOf ?? schema.oneOf) as readonly Schema[] | undefined;
  if (variants !== undefined) return randomValue(dice.pick(variants), dice, lookup, depth);
  if (Array.isArray(schema.enum)) return dice.pick(schema.enum);
  if ('const' in schema) return schema.const;
  switch (Array.isArray(schema.type) ? dice.pick(schema.type as string[]) : schema.type) {
    case 'null':
      return null;
    case 'boolean':
      return dice.random() < 0.5;
    case 'integer':
    case 'number':
      return numberOf(schema, dice);
    case 'string':
      return textOf(schema, dice);
    case 'array': {
      const least = (schema.minItems as number | undefined) ?? 0;
      const most = Math.min((schema.maxItems as number | undefined) ?? 4, least + 3);
      const length = least + dice.below(most - least + 1);
      return Array.from({ length }, () => randomValue((schema.items ?? true) as Schema, dice, lookup, depth + 1));
    }
    case 'object':
      return objectOf(schema, dice, lookup, depth);
    default:
      return anything(dice, depth);
  }
}

function objectOf(schema: Schema, dice: Dice, lookup: (reference: string) => Schema, depth: number): object {
  const required = (schema.required ?? []) as readonly string[];
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
  const kept = properties.filter(
    ([name]) => required.includes(name) || dice.random() < Math.min(0.5, 3 / properties.length),
  );
  const value = Object.fromEntries(kept.map(([name, inner]) => [name, randomValue(inner, dice, lookup, depth + 1)]));
  const more = schema.additionalProperties;
  if (more !== undefined && more !== false && depth < DEEPEST && dice.random() < 0.7) {
    value[dice.pick(['x', 'name', 'a/b', 'price'])] = randomValue(more as Schema, dice, lookup, depth + 1);
  }
  return value;
}

function numberOf({ type, minimum, maximum, exclusiveMinimum }: Schema, dice: Dice): number {
  const least = (minimum ?? exclusiveMinimum ?? 0) as number;
  const most = (maximum ?? least + 100) as number;
  // Mostly small: a text of thousands of tokens is no better a test than one of ten.
  const span = dice.random() < 0.8 ? Math.min(most - least, 10) : most - least;
  const value = least + dice.random() * span;
  return type === 'integer' ? Math.floor(value) : exclusiveMinimum === undefined ? value : value + 1e-6;
}

function textOf({ minLength = 0, maxLength = 40 }: Schema, dice: Dice): string {
  const text = Array.from({ length: dice.below(4) }, () => dice.pick(WORDS)).join(' ');
  return text.padEnd(minLength as number, 'x').slice(0, maxLength as number);
}

/** Any JSON at all. */
export function anything(dice: Dice, depth = 0): unknown {
  const kind = dice.below(depth >= DEEPEST ? 5 : 7);
  if (kind === 0) return null;
  if (kind === 1) return dice.random() < 0.5;
  if (kind === 2) return dice.pick([0, -1, 1.5, 1e308, 2 ** 53, -0]);
  if (kind <= 4) return dice.pick(WORDS);
  const length = dice.below(3);
  const items = Array.from({ length }, () => anything(dice, depth + 1));
  if (kind === 5) return items;
  return Object.fromEntries(items.map((item) => [dice.pick(['type', 'x', '__proto__', 'constructor', 'é']), item]));
}

/** The same value with something in it replaced, left out or added. */
export function mutated(value: unknown, dice: Dice): unknown {
  if (value === null || typeof value !== 'object' || dice.random() < 0.2) return anything(dice);
  if (Array.isArray(value)) {
    if (value.length === 0) return [anything(dice)];
    const at = dice.below(value.length);
    return value.map((item, i) => (i === at ? mutated(item, dice) : item));
  }
  const entries = Object.entries(value);
  const way = dice.random();
  if (entries.length === 0 || way < 0.25) {
    return Object.fromEntries([...entries, [dice.pick(['promt', 'x', 'stream', '__proto__']), anything(dice)]]);
  }
  const at = dice.below(entries.length);
  if (way < 0.4) return Object.fromEntries(entries.filter((_, i) => i !== at));
  return Object.fromEntries(entries.map(([name, inner], i) => [name, i === at ? mutated(inner, dice) : inner]));
}

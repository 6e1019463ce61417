/**
 * Random requests over the whole constraint language, for benches and sweeps: every kind, alone and together.
 */
import type { GenerationRequest, HoleSpec } from '../shared/contract/generation.ts';
import { REMASKS, SAMPLERS } from '../shared/contract/generation.ts';
import type { Diffusion } from '../shared/contract/sampling.ts';

export type Uniform = () => number;

/** A small seeded generator (mulberry32), so that a run can be repeated. */
export function seeded(seed: number): Uniform {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const KINDS = [
  'free',
  'length',
  'template',
  'holes',
  'include',
  'exclude',
  'regex',
  'choices',
  'json_schema',
  'facts',
  'mixed',
] as const;
export type Kind = (typeof KINDS)[number];

const PHRASES = ['free delivery', 'oak', 'gift card', 'opening hours', 'Anna', 'café', '24/7', 'handmade', 'on Friday'];
const REGEXES = [
  '[A-Z]{2}-\\d{3,6}',
  '(Mon|Tues|Wednes|Thurs|Fri)day',
  '[a-z]+( [a-z]+){1,4}',
  '\\d{1,2}:[0-5]\\d (am|pm)',
  '(yes|no|maybe), because [a-z ,]{10,60}\\.',
  '[\\p{L} ]{5,40}[.!?]',
  '#[0-9a-f]{6}',
];
const CHOICES = ['yes', 'no', 'perhaps', 'a warm welcome', 'Free shipping!', 'très bien', 'out of stock'];
const TEMPLATES = [
  'Dear {{name}}, thank you for {{reason}}.',
  '{{title}}: {{body}}',
  'Our {{thing}} is {{quality}} and {{other}}. Only {{price}} today!',
  '- {{first}}\n- {{second}}\n- {{third}}',
  '“{{quote}}” — {{who}}',
  'Ünïcode {{a}} → {{b}} ✓',
];
const STYLES = ['product', 'sms', 'story', 'email', 'faq', 'headline'];

/** A request of a kind. Some cannot be satisfied; deciding that is part of what is measured. */
export function randomRequest(kind: Kind, random: Uniform): GenerationRequest {
  const below = (n: number) => Math.floor(random() * n);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)];
  const some = <T>(items: readonly T[], most: number): T[] => {
    const left = [...items];
    return Array.from({ length: 1 + below(most) }, () => left.splice(below(left.length), 1)[0]);
  };
  const range = (least: number, most: number) => {
    const min = least + below(most - least);
    return random() < 0.25 ? { exact: min } : random() < 0.3 ? { max: min + 8 } : { min, max: min + below(most) };
  };
  const length = () =>
    pick([
      () => ({ unit: 'characters' as const, ...range(20, 160) }),
      () => ({ unit: 'words' as const, ...range(3, 24) }),
      () => ({ unit: 'sentences' as const, ...range(1, 3) }),
      () => ({ unit: 'tokens' as const, ...range(4, 48) }),
    ])();
  const hole = (): HoleSpec =>
    pick<() => HoleSpec>([
      () => ({ words: range(1, 6) }),
      () => ({ characters: range(3, 40) }),
      () => ({ regex: pick(REGEXES) }),
      () => ({ choices: some(CHOICES, 4) }),
      () => ({ tokens: { min: 1, max: 2 + below(8) } }),
      () => ({}),
    ])();
  const phrase = () => {
    const text = pick(PHRASES);
    return random() < 0.5 ? text : { text, case_sensitive: random() < 0.5, whole_word: random() < 0.5 };
  };
  const template = (holes: boolean): Partial<GenerationRequest> => {
    const text = pick(TEMPLATES);
    const names = [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]);
    return { template: text, ...(holes ? { holes: Object.fromEntries(names.map((name) => [name, hole()])) } : {}) };
  };
  const facts = () => ({ price: `${5 + below(90)}.${below(10)}0 €`, place: pick(['Lisbon', 'Main Street 4', 'Oslo']) });
  const parts: Record<Kind, () => Partial<GenerationRequest>> = {
    free: () => ({}),
    length: () => ({ length: random() < 0.6 ? length() : [length(), length()] }),
    template: () => template(false),
    holes: () => template(true),
    include: () => ({ include: Array.from({ length: 1 + below(3) }, phrase) }),
    exclude: () => ({ exclude: Array.from({ length: 1 + below(5) }, phrase) }),
    regex: () => ({ regex: pick(REGEXES) }),
    choices: () => ({ choices: some(CHOICES, 5) }),
    json_schema: () => ({ json_schema: randomSchema(below, pick, random) }),
    facts: () => ({ facts: facts() }),
    mixed: () => ({
      ...template(random() < 0.7),
      ...(random() < 0.6
        ? { length: { unit: 'characters' as const, min: 20 + below(40), max: 120 + below(200) } }
        : {}),
      ...(random() < 0.5 ? { include: [phrase()] } : {}),
      ...(random() < 0.5 ? { exclude: [phrase(), phrase()] } : {}),
      ...(random() < 0.3 ? { facts: facts() } : {}),
    }),
  };
  return {
    style: pick(STYLES),
    ...(random() < 0.5 ? { prompt: 'a short text about a small shop' } : {}),
    ...parts[kind](),
    temperature: pick([0, 0.3, 0.7, 1, 1.5]),
    seed: below(2 ** 31),
  };
}

function randomSchema(below: (n: number) => number, pick: <T>(items: readonly T[]) => T, random: Uniform) {
  const value = (depth: number): Record<string, unknown> =>
    pick<() => Record<string, unknown>>([
      () => ({ type: 'string', minLength: below(3), maxLength: 4 + below(20) }),
      () => ({ type: 'integer', minimum: below(10), maximum: 20 + below(1_000) }),
      () => ({ type: 'boolean' }),
      () => ({ enum: ['red', 'green', 7, null] }),
      () => ({ type: 'string', format: pick(['date', 'uuid', 'email']) }),
      () =>
        depth > 1
          ? { const: 'x' }
          : { type: 'array', items: value(depth + 1), minItems: below(2), maxItems: 2 + below(2) },
    ])();
  const names = ['name', 'age', 'tags', 'kind'].slice(0, 1 + below(4));
  const required = names.filter(() => random() < 0.7);
  return { type: 'object', properties: Object.fromEntries(names.map((name) => [name, value(0)])), required };
}

/** How the loop is run: any sampler with any of its ways, any speed, with and without a penalty on repetition. */
export function randomSchedule(random: Uniform): { diffusion: Diffusion; perStep: number } {
  const sampler = SAMPLERS[Math.floor(random() * SAMPLERS.length)];
  const perStep = 1 + Math.floor(random() * 16);
  const remask = sampler === 'remdm' ? REMASKS[Math.floor(random() * REMASKS.length)] : undefined;
  const edit_threshold = sampler === 'joint-threshold' ? random() : undefined;
  const repetition_penalty = random() < 0.3 ? 1 + random() : undefined;
  return { diffusion: { sampler, remask, edit_threshold, repetition_penalty }, perStep };
}

/** What the API answers, as JSON Schema: nothing may be in an answer that is not here (a test sees to it). */
import { PROBLEMS } from '../../shared/contract/problem.ts';
import type { JsonSchema } from './operation.ts';

const text = { type: 'string' } as const;
const natural = { type: 'integer', minimum: 0 } as const;
const share = { type: 'number', minimum: 0, maximum: 1 } as const;
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
export const listOf = (items: JsonSchema) => ({ type: 'array', items });
/** Or null. */
export const optional = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });

/** An object with these members and no others; those named in `optional` may be absent. */
export function object(properties: Record<string, JsonSchema>, optional: readonly string[] = []): JsonSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

const head = { id: text, object: { const: 'generation' }, model: text, revision: text, seed: natural };
const finished = {
  text,
  holes: { type: 'object', additionalProperties: text },
  constraints: listOf(ref('HeldConstraint')),
  choice_probabilities: {
    type: 'object',
    additionalProperties: listOf(object({ choice: text, probability: share })),
  },
  usage: ref('Usage'),
};
const token = { position: natural, text, bytes: { type: 'string', pattern: '^([0-9a-f]{2})+$' } };

export const SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Problem: {
    ...(object(
      {
        type: { type: 'string', format: 'uri' },
        title: text,
        status: { type: 'integer', minimum: 400, maximum: 599 },
        detail: text,
        code: { enum: Object.keys(PROBLEMS) },
        instance: text,
        pointer: text,
        conflict: listOf(text),
        achievable: text,
        error: object({
          message: text,
          type: { enum: [...new Set(Object.values(PROBLEMS).map(({ openai }) => openai))] },
          code: text,
          param: { type: ['string', 'null'] },
        }),
      },
      ['instance', 'pointer', 'conflict', 'achievable'],
    ) as object),
    description: 'RFC 9457, and the error object of OpenAI in one. `pointer` names the offending field (RFC 6901).',
  },
  HeldConstraint: object({ pointer: text, constraint: text, held: { const: true } }),
  Price: {
    ...(object({ origin: { enum: ['computed', 'cached', 'joined', 'replayed'] }, micro_dollars: natural }) as object),
    description: 'What it cost, and why: 1,000,000 micro-dollars are a dollar.',
  },
  Usage: object({
    positions: natural,
    denoising_steps: natural,
    model_evaluations: natural,
    positions_evaluated: natural,
    committed_per_step: { type: 'number', minimum: 0 },
    price: ref('Price'),
  }),
  CacheStatus: object({
    status: { enum: ['hit', 'miss', 'stale', 'refresh', 'joined', 'bypass'] },
    age: natural,
    ttl: natural,
  }),
  Generation: object({ ...head, ...finished, cache: ref('CacheStatus') }, ['choice_probabilities']),
  Generations: object({
    ...head,
    choices: listOf(object({ index: natural, ...finished }, ['choice_probabilities'])),
    usage: ref('Usage'),
    cache: ref('CacheStatus'),
  }),
  AcceptedEvent: object({
    type: { const: 'accepted' },
    id: text,
    model: text,
    revision: text,
    seed: natural,
    index: natural,
    positions: natural,
    fixed: listOf(object(token, ['bytes'])),
    steps: natural,
    cache: ref('CacheStatus'),
  }),
  StepEvent: object(
    {
      type: { const: 'step' },
      index: natural,
      step: natural,
      committed: listOf(object({ ...token, confidence: share }, ['bytes'])),
      remasked: listOf(natural),
      masks_left: natural,
      settled: natural,
    },
    ['settled'],
  ),
  TextEvent: object({ type: { const: 'text' }, index: natural, text }),
  DoneEvent: object({ type: { const: 'done' }, index: natural, ...finished }, ['choice_probabilities']),
  ProblemEvent: object({ type: { const: 'problem' }, problem: ref('Problem') }),
  Model: object(
    {
      object: { const: 'model' },
      owned_by: text,
      created: { const: 0 },
      id: text,
      title: text,
      description: text,
      revision: text,
      licence: text,
      parameters: natural,
      context: natural,
      styles: listOf(object({ name: text, description: text })),
      supports: object({ editing: { type: 'boolean' }, guidance: { type: 'boolean' } }),
      decisions: object(
        {
          temperature: object({ plain: { type: 'number' }, prior: { type: 'number' } }),
          lists_options: { type: 'boolean' },
        },
        ['temperature'],
      ),
      longestTokenBytes: natural,
    },
    ['decisions'],
  ),
  Models: object({ object: { const: 'list' }, data: listOf(ref('Model')) }),
};

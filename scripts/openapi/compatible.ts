/** The routes of other APIs' clients, decisions and prices. */
import { decisionSchema } from '../../shared/contract/decision.ts';
import { chatSchema, completionSchema, fimSchema } from '../../shared/contract/openai.ts';
import { reference } from './document.ts';
import { IDEMPOTENCY_KEY } from './generations.ts';
import { type JsonSchema, METERED, type Operation } from './operation.ts';
import { listOf, object } from './schemas.ts';

const text = { type: 'string' } as const;
const natural = { type: 'integer', minimum: 0 } as const;
const share = { type: 'number', minimum: 0, maximum: 1 } as const;
const nothing = { type: 'null' } as const;

const extras = {
  constraints: listOf(reference('HeldConstraint')),
  holes: { type: 'object', additionalProperties: text },
  choice_probabilities: { type: 'object' },
};
const choice = (content: Record<string, JsonSchema>) =>
  object({ index: natural, ...content, finish_reason: { const: 'stop' }, logprobs: nothing, ...extras }, [
    'holes',
    'choice_probabilities',
  ]);
const message = object({ role: { const: 'assistant' }, content: text, refusal: nothing });
const completion = (name: string, content: Record<string, JsonSchema>) =>
  object(
    {
      id: text,
      object: { const: name },
      created: natural,
      model: text,
      system_fingerprint: text,
      choices: listOf(choice(content)),
      usage: reference('CompletionUsage'),
      seed: natural,
      cache: reference('CacheStatus'),
      metadata: { type: 'object', additionalProperties: text },
    },
    ['metadata'],
  );

const answerOf = { id: text, model_evaluations: natural };

export const COMPATIBLE_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  ChatCompletion: completion('chat.completion', { message }),
  Completion: completion('text_completion', { text }),
  CompletionUsage: {
    type: 'object',
    properties: {
      prompt_tokens: natural,
      completion_tokens: natural,
      total_tokens: natural,
      price: reference('Price'),
    },
    required: ['prompt_tokens', 'completion_tokens', 'total_tokens', 'price'],
  },
  Decision: object({
    id: text,
    object: { const: 'decision' },
    model: text,
    revision: text,
    answers: listOf({
      oneOf: [
        object({
          ...answerOf,
          type: { const: 'choice' },
          choice: text,
          probabilities: listOf(object({ choice: text, probability: share })),
        }),
        object({ ...answerOf, type: { const: 'yes_no' }, choice: { enum: ['yes', 'no'] }, probability: share }),
        object({
          ...answerOf,
          type: { const: 'score' },
          expected: { type: 'number' },
          median: { type: 'number' },
          mode: { type: 'number' },
          probabilities: listOf(object({ score: { type: 'number' }, probability: share })),
        }),
      ],
    }),
    debias: { enum: ['prior', 'order', true, false] },
    calibrated: { type: 'boolean' },
    usage: reference('Usage'),
    cache: reference('CacheStatus'),
  }),
  Prices: object({
    object: { const: 'prices' },
    currency: { const: 'usd' },
    unit: { const: 'micro_dollars' },
    formula: text,
    origins: object({ computed: text, cached: text, joined: text, replayed: text }),
    reader_left: text,
    free: listOf(text),
    data: listOf(object({ object: { const: 'price' }, model: text, computed: natural, cached: natural })),
  }),
};

const CHUNKS = {
  type: 'object',
  description: 'Server-sent events without names: chunks as OpenAI has them, then `data: [DONE]`.',
};

function compatible(
  path: string,
  id: string,
  summary: string,
  body: NonNullable<Operation['body']>,
  answer: string,
): Operation {
  return {
    method: 'post',
    path,
    id,
    group: 'Compatible',
    summary,
    description:
      'Unknown fields, and fields that mean nothing here, are refused by name; docs/compatibility.md has them all.',
    access: { scope: 'generate' },
    parameters: [IDEMPOTENCY_KEY],
    body,
    answers: {
      200: {
        description: 'The answer, or with `stream` its chunks.',
        content: { 'application/json': reference(answer), 'text/event-stream': CHUNKS },
      },
    },
    problems: [...METERED, 'unsupported_field'],
  };
}

export const COMPATIBLE_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/decisions',
    id: 'decide',
    group: 'Decisions',
    summary: 'Questions over a state, answered with probabilities',
    access: { scope: 'decide' },
    parameters: [IDEMPOTENCY_KEY],
    body: {
      name: 'DecisionRequest',
      schema: decisionSchema,
      examples: {
        parcel: {
          state: 'The parcel arrived broken.',
          questions: [
            { id: 'kind', type: 'choice', question: 'What is it?', choices: ['praise', 'complaint'] },
            { id: 'urgent', type: 'yes_no', question: 'Is it urgent?' },
            { id: 'mood', type: 'score', question: 'How pleased is the writer?', min: 1, max: 5 },
          ],
        },
      },
    },
    answers: { 200: { description: 'The answers.', content: { 'application/json': reference('Decision') } } },
    problems: METERED,
  },
  compatible(
    '/v1/chat/completions',
    'createChatCompletion',
    "OpenAI's chat completions",
    {
      name: 'ChatRequest',
      schema: chatSchema,
      examples: { slogan: { model: 'maskwright-small', messages: [{ role: 'user', content: 'a warm blanket' }] } },
    },
    'ChatCompletion',
  ),
  compatible(
    '/v1/completions',
    'createCompletion',
    "OpenAI's completions, with `suffix`",
    {
      name: 'CompletionRequest',
      schema: completionSchema,
      examples: { infill: { prompt: 'The ', suffix: ' is open.' } },
    },
    'Completion',
  ),
  compatible(
    '/v1/fim/completions',
    'createFimCompletion',
    "Inception's infilling",
    { name: 'FimRequest', schema: fimSchema, examples: { infill: { prompt: 'The ', suffix: ' is open.' } } },
    'Completion',
  ),
  {
    method: 'get',
    path: '/v1/prices',
    id: 'listPrices',
    group: 'Money',
    summary: 'What a text costs, and what costs nothing',
    access: 'anybody',
    answers: { 200: { description: 'The prices.', content: { 'application/json': reference('Prices') } } },
    problems: ['backend_unavailable', 'backend_failed'],
  },
];

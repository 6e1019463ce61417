/** The native routes: texts, lost streams, models. */
import { generationSchema } from '../../shared/contract/generation.ts';
import { reference } from './document.ts';
import { METERED, type Operation } from './operation.ts';

const EVENTS = {
  description:
    'Server-sent events. Each `data` is a JSON object named by its event; the last line is `data: [DONE]`, without which the stream broke off.',
  oneOf: ['AcceptedEvent', 'StepEvent', 'TextEvent', 'DoneEvent', 'ProblemEvent'].map(reference),
};

export const IDEMPOTENCY_KEY = {
  name: 'idempotency-key',
  in: 'header',
  description:
    'Of this very request: however often it is sent within 24 hours, it is computed and paid once, and answered the same.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
} as const;

export const GENERATION_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/generations',
    id: 'createGeneration',
    group: 'Texts',
    summary: 'Make a text for which all that is asked for holds',
    description:
      'At least one of prompt, template, style, regex, json_schema, choices, include and facts is given. What cannot be is refused before any model runs, with the smallest set of constraints in conflict.',
    access: { scope: 'generate' },
    parameters: [IDEMPOTENCY_KEY],
    body: {
      name: 'GenerationRequest',
      schema: generationSchema,
      examples: {
        template: {
          style: 'restaurant',
          template: '{{name:words=1..3}} is a {{kind:words=1..3}} near {{place:words=1..4}}.',
          seed: 7,
        },
        length: { style: 'tagline', prompt: 'a warm blanket', length: { unit: 'characters', max: 60 } },
        choices: { prompt: 'The parcel arrived broken.', choices: ['praise', 'complaint'], choice_probabilities: true },
      },
    },
    answers: {
      200: {
        description: 'The text, or with n above 1 the texts; with `stream` their events.',
        content: {
          'application/json': { oneOf: [reference('Generation'), reference('Generations')] },
          'text/event-stream': EVENTS,
        },
      },
    },
    problems: METERED,
  },
  {
    method: 'get',
    path: '/v1/generations/{id}/events',
    id: 'resumeGeneration',
    group: 'Texts',
    summary: 'Take a lost stream up again, behind the last event that was seen',
    access: { scope: 'generate' },
    parameters: [
      {
        name: 'id',
        in: 'path',
        description: 'Of `accepted`.',
        schema: { type: 'string', pattern: '^gen_[0-9a-z]{24}$' },
      },
      {
        name: 'stream',
        in: 'query',
        required: true,
        description: 'As in the request.',
        schema: { enum: ['steps', 'text'] },
      },
      {
        name: 'last-event-id',
        in: 'header',
        description: 'The last id that was seen; without it the stream begins at its beginning.',
        schema: { type: 'string', pattern: '^\\d{1,9}(\\.\\d)?$' },
      },
      {
        name: 'last_event_id',
        in: 'query',
        description: 'The same, for clients that cannot set headers; the header comes first.',
        schema: { type: 'string', pattern: '^\\d{1,9}(\\.\\d)?$' },
      },
    ],
    answers: { 200: { description: 'The events that are left.', content: { 'text/event-stream': EVENTS } } },
    problems: [
      'invalid_request',
      'unknown_field',
      'stream_gone',
      'overloaded',
      'deadline_exceeded',
      'work_abandoned',
      'backend_unavailable',
      'backend_failed',
      'check_failed',
      'ledger_unavailable',
    ],
  },
  {
    method: 'get',
    path: '/v1/models',
    id: 'listModels',
    group: 'Models',
    summary: 'The models, the default one first, with their styles',
    access: { scope: 'models' },
    answers: { 200: { description: 'The models.', content: { 'application/json': reference('Models') } } },
    problems: ['backend_unavailable', 'backend_failed'],
  },
  {
    method: 'get',
    path: '/v1/models/{id}',
    id: 'readModel',
    group: 'Models',
    summary: 'One model',
    access: { scope: 'models' },
    parameters: [{ name: 'id', in: 'path', description: 'Of a model.', schema: { type: 'string' } }],
    answers: { 200: { description: 'The model.', content: { 'application/json': reference('Model') } } },
    problems: ['unknown_model', 'backend_unavailable', 'backend_failed'],
  },
];

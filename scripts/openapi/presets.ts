/** Presets: saved requests, and their runs. */
import { PROTECTIONS, presetRunSchema, presetSchema } from '../../shared/contract/preset.ts';
import { reference } from './document.ts';
import { GENERATION_OPERATIONS, IDEMPOTENCY_KEY } from './generations.ts';
import { PAGE, PAGE_PROBLEMS, pageOf } from './keys.ts';
import { type JsonSchema, METERED, type Operation, type Parameter } from './operation.ts';
import { listOf, object } from './schemas.ts';

const text = { type: 'string' } as const;
const natural = { type: 'integer', minimum: 0 } as const;

const variable = object(
  { max_characters: natural, min_characters: natural, choices: listOf(text), pattern: text, default: text },
  ['max_characters', 'min_characters', 'choices', 'pattern', 'default'],
);

export const PRESET_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Preset: object(
    {
      object: { const: 'preset' },
      id: text,
      mode: { enum: ['live', 'test'] },
      name: text,
      request: { type: 'object', description: 'As it was given.' },
      variables: { type: 'object', additionalProperties: variable },
      variants: natural,
      daily_limit_micro_dollars: natural,
      visitor_runs_per_minute: natural,
      visitor_runs_per_day: natural,
      protection: { enum: PROTECTIONS },
      created_at: { type: 'string', format: 'date-time' },
    },
    ['variants'],
  ),
  Presets: pageOf(reference('Preset')),
};

const id: Parameter = { name: 'id', in: 'path', description: 'Of a preset, preset_...', schema: text };
const answers = (status: number, description: string, name: string) => ({
  [status]: { description, content: { 'application/json': reference(name) } },
});
const body = {
  name: 'PresetRequest',
  schema: presetSchema,
  examples: {
    greeting: {
      name: 'greeting in the shop window',
      request: { style: 'greeting', template: 'Hello {{var:name}}, {{rest:words=3..12}}' },
      variables: { name: { max_characters: 30, default: 'there' } },
      daily_limit_micro_dollars: 1_000_000,
    },
  },
};
/** What is wrong with the request that a preset saves. */
const JUDGED = [
  ...(['invalid_template', 'unknown_model', 'unknown_style', 'limit_exceeded', 'unsupported_constraint'] as const),
  ...(['unsatisfiable_constraints', 'not_configured'] as const),
  ...(['ledger_unavailable', 'backend_unavailable', 'backend_failed'] as const),
];

export const PRESET_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/presets',
    id: 'createPreset',
    group: 'Presets',
    summary: 'Save a request, so that pages can run it',
    description:
      'It is judged as its runs will be, with its variables at their shortest and at their longest: what could not be run is refused now.',
    access: { scope: 'presets' },
    body,
    answers: answers(201, 'The preset.', 'Preset'),
    problems: ['conflict', ...JUDGED],
  },
  {
    method: 'get',
    path: '/v1/presets',
    id: 'listPresets',
    group: 'Presets',
    summary: 'The presets of the account in the mode of the key, newest first',
    access: { scope: 'presets' },
    parameters: PAGE,
    answers: answers(200, 'The presets.', 'Presets'),
    problems: PAGE_PROBLEMS,
  },
  {
    method: 'get',
    path: '/v1/presets/{id}',
    id: 'readPreset',
    group: 'Presets',
    summary: 'One preset',
    access: { scope: 'presets' },
    parameters: [id],
    answers: answers(200, 'The preset.', 'Preset'),
    problems: ['unknown_preset', 'ledger_unavailable'],
  },
  {
    method: 'put',
    path: '/v1/presets/{id}',
    id: 'replacePreset',
    group: 'Presets',
    summary: 'Put another preset under the same id, so that pages keep working',
    description: 'A secret for Turnstile that is not given again stays.',
    access: { scope: 'presets' },
    parameters: [id],
    body,
    answers: answers(200, 'The preset as it is now.', 'Preset'),
    problems: ['unknown_preset', ...JUDGED],
  },
  {
    method: 'delete',
    path: '/v1/presets/{id}',
    id: 'deletePreset',
    group: 'Presets',
    summary: 'Delete a preset: within seconds nobody can run it',
    access: { scope: 'presets' },
    parameters: [id],
    answers: { 204: { description: 'It is gone.' } },
    problems: ['unknown_preset', 'ledger_unavailable'],
  },
  {
    method: 'post',
    path: '/v1/presets/{id}/runs',
    id: 'runPreset',
    group: 'Presets',
    summary: 'Make a text as the preset says, with the values of its variables',
    description:
      'Answered, streamed and paid like POST /v1/generations. Pointers of problems that begin with /request lead into the preset.',
    access: { scope: 'run', session: true },
    parameters: [id, IDEMPOTENCY_KEY],
    body: {
      name: 'PresetRunRequest',
      schema: presetRunSchema,
      examples: { one: { variables: { name: 'Ada' } }, watched: { variables: { name: 'Ada' }, stream: 'steps' } },
    },
    answers: GENERATION_OPERATIONS[0].answers,
    problems: ['unknown_preset', ...METERED],
  },
];

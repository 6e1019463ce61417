/**
 * Requests in OpenAI's shapes: `POST /v1/chat/completions`, `/v1/completions` and `/v1/fim/completions`, with our own fields beside
 * theirs. docs/compatibility.md says what becomes of each.
 */
import * as v from 'valibot';
import { generationSchema, LIMITS } from './generation.ts';
import { CHAT_REFUSED, COMPLETION_REFUSED, MESSAGE_REFUSED } from './openai-refused.ts';

const { seed, n, temperature, regex, choices, choice_probabilities, length, exclude, style, diffusion, cache } =
  generationSchema.entries;
const { template, holes, include, facts } = generationSchema.entries;

/** Least effort first; the names of OpenAI and of Inception. */
export const REASONING_EFFORTS = ['none', 'minimal', 'instant', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
export type ReasoningEffort = (typeof REASONING_EFFORTS)[number];

const tokens = v.nullish(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(Number.MAX_SAFE_INTEGER)));
const phrase = v.pipe(v.string(), v.minLength(1), v.maxLength(LIMITS.phraseCharacters));
const identifier = v.nullish(v.pipe(v.string(), v.maxLength(512)));
const schemaOf = v.record(v.string(), v.unknown());

/** What all routes take. */
const common = {
  model: v.nullish(v.string()),
  max_tokens: tokens,
  n: v.nullish(n.wrapped),
  seed: v.nullish(seed.wrapped),
  temperature: v.nullish(temperature.wrapped),
  stop: v.nullish(v.union([phrase, v.pipe(v.array(phrase), v.maxLength(LIMITS.phrases))])),
  stream: v.nullish(v.boolean()),
  stream_options: v.nullish(
    v.strictObject({
      include_usage: v.nullish(v.boolean()),
      include_obfuscation: v.nullish(v.literal(false)),
      /** Ours: the events of the denoising as chunks without choices. */
      include_diffusion: v.nullish(v.boolean()),
    }),
  ),
  /** Inception's: with `stream`, the whole text as it stands at each step. */
  diffusing: v.nullish(v.boolean()),
  reasoning_effort: v.nullish(v.picklist(REASONING_EFFORTS)),
  user: identifier,
  safety_identifier: identifier,
  // vLLM's.
  guided_regex: v.nullish(regex.wrapped),
  guided_choice: v.nullish(choices.wrapped),
  guided_json: v.nullish(schemaOf),
  structured_outputs: v.nullish(
    v.strictObject({
      regex: v.nullish(regex.wrapped),
      choice: v.nullish(choices.wrapped),
      json: v.nullish(schemaOf),
    }),
  ),
  // Ours.
  regex,
  choices,
  choice_probabilities,
  length,
  exclude,
  style,
  diffusion,
  cache,
};

export const ROLES = ['system', 'developer', 'user', 'assistant'] as const;

const messageSchema = v.strictObject({
  role: v.picklist(ROLES),
  content: v.union([
    v.string(),
    v.pipe(v.array(v.strictObject({ type: v.literal('text'), text: v.string() })), v.minLength(1)),
  ]),
  ...MESSAGE_REFUSED,
});

export const responseFormatSchema = v.variant('type', [
  v.strictObject({ type: v.literal('text') }),
  v.strictObject({
    type: v.literal('json_schema'),
    json_schema: v.strictObject({
      name: v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/)),
      description: v.nullish(v.string()),
      schema: schemaOf,
      /** Enforced whatever it says. */
      strict: v.nullish(v.boolean()),
    }),
  }),
  /** Ours. */
  v.strictObject({ type: v.literal('regex'), pattern: regex.wrapped }),
]);

export const chatSchema = v.strictObject({
  messages: v.pipe(v.array(messageSchema), v.minLength(1)),
  max_completion_tokens: tokens,
  response_format: v.nullish(responseFormatSchema),
  metadata: v.nullish(
    v.pipe(v.record(v.pipe(v.string(), v.maxLength(64)), v.pipe(v.string(), v.maxLength(512))), v.maxEntries(16)),
  ),
  ...common,
  template,
  holes,
  include,
  facts,
  ...CHAT_REFUSED,
});

const promptText = v.string();

export const completionSchema = v.strictObject({
  prompt: v.nullish(v.union([promptText, v.pipe(v.array(promptText), v.length(1))])),
  suffix: v.nullish(v.string()),
  echo: v.nullish(v.boolean()),
  ...common,
  ...COMPLETION_REFUSED,
});

export const fimSchema = v.strictObject({
  prompt: promptText,
  suffix: v.nullish(v.string()),
  ...common,
  ...COMPLETION_REFUSED,
});

export type ChatRequest = v.InferOutput<typeof chatSchema>;
export type ChatMessage = ChatRequest['messages'][number];
export type CompletionRequest = v.InferOutput<typeof completionSchema>;
/** Either kind of request, as far as they are the same. */
export type CommonRequest = Pick<CompletionRequest, keyof typeof common>;

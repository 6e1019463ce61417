/** `POST /v1/chat/completions` as a native request: the conversation is the prompt, and the answer is the whole text. */
import { type GenerationRequest, LIMITS } from '../../shared/contract/generation.ts';
import { type ChatRequest, chatSchema } from '../../shared/contract/openai.ts';
import { validate } from '../requests/validate.ts';
import { chatPrompt } from './chat-prompt.ts';
import { WHOLE } from './excerpt.ts';
import type { Origin } from './origins.ts';
import { shapeOf } from './shape.ts';
import { commonOf, mostTokens, present, stopsOf, streamOptionsOf, type Translation } from './translation.ts';
import { refuseOfChat } from './unsupported.ts';

/** @throws ProblemError of what cannot be read, or means nothing here */
export function chatRequest(body: unknown): Translation {
  refuseOfChat(body);
  const request = validate(chatSchema, body);
  const { template, holes, include, facts, metadata, response_format: format } = request;
  const { regex, choices, json_schema } = shapeOf(request);
  const description = format?.type === 'json_schema' ? (format.json_schema.description ?? undefined) : undefined;
  const stream = streamOptionsOf(request);
  const length = lengthOf(request);
  const exclude = excludeOf(request);
  const origins: Origin[] = [
    { native: '/prompt', own: '/messages', leaf: true },
    ...length.origins,
    ...exclude.origins,
    ...(regex === undefined ? [] : [{ native: '/regex', own: regex.pointer }]),
    ...(choices === undefined ? [] : [{ native: '/choices', own: choices.pointer }]),
    ...(json_schema === undefined ? [] : [{ native: '/json_schema', own: json_schema.pointer }]),
    ...effortOrigin(request),
  ];
  const native = present({
    ...commonOf(request, stream),
    prompt: chatPrompt(request.messages, description),
    template,
    holes,
    include,
    facts,
    length: length.native,
    exclude: exclude.native,
    regex: regex?.value,
    choices: choices?.value,
    json_schema: json_schema?.value,
  }) as GenerationRequest;
  return {
    native,
    origins,
    excerpt: WHOLE,
    promptInText: false,
    tellsHoles: template !== undefined,
    ...(metadata === null || metadata === undefined ? {} : { metadata }),
    ...(stream === undefined ? {} : { stream }),
  };
}

/** Effort under its other name. */
export function effortOrigin({ reasoning_effort: reasoning }: Pick<ChatRequest, 'reasoning_effort'>): Origin[] {
  return reasoning ? [{ native: '/diffusion/effort', own: '/reasoning_effort' }] : [];
}

/** The lengths, and the most tokens among them. */
function lengthOf(request: ChatRequest): { native?: GenerationRequest['length']; origins: Origin[] } {
  const { length } = request;
  const most = mostTokens(request);
  if (most === undefined) return { native: length, origins: [] };
  const stated = length === undefined ? [] : 'unit' in length ? [length] : length;
  return {
    native: [...stated, { unit: 'tokens', max: Math.min(most.value, LIMITS.lengthBound) }],
    origins: [
      ...(length !== undefined && 'unit' in length ? [{ native: '/length/0', own: '/length' }] : []),
      { native: `/length/${stated.length}`, own: most.pointer, leaf: true },
    ],
  };
}

/** The phrases that must not appear, and the stop sequences among them. */
function excludeOf(request: ChatRequest): { native?: GenerationRequest['exclude']; origins: Origin[] } {
  const stops = stopsOf(request);
  const { exclude = [] } = request;
  if (stops.length === 0) return { native: request.exclude, origins: [] };
  return {
    native: [...exclude, ...stops.map(({ value }) => value)],
    origins: stops.map(({ pointer }, i) => ({ native: `/exclude/${exclude.length + i}`, own: pointer, leaf: true })),
  };
}

/**
 * `POST /v1/completions` and `/v1/fim/completions` as native requests: prompt and suffix are the text of a template with one hole
 * between them, and the answer is what stands in the hole.
 */
import { RUNNING_TEXT, RUNNING_WORDS } from '../../shared/constraints/running-text.ts';
import { escapeTemplate } from '../../shared/constraints/template.ts';
import { type GenerationRequest, type HoleSpec, type LengthSpec, LIMITS } from '../../shared/contract/generation.ts';
import { type CompletionRequest, completionSchema, fimSchema } from '../../shared/contract/openai.ts';
import { problem } from '../../shared/contract/problem.ts';
import { validate } from '../requests/validate.ts';
import { effortOrigin } from './chat-request.ts';
import type { Origin } from './origins.ts';
import { only, type Shape, type Stated, shapeOf } from './shape.ts';
import { commonOf, mostTokens, present, stopsOf, streamOptionsOf, type Translation } from './translation.ts';
import { refuseOfCompletion } from './unsupported.ts';

const HOLE = 'completion';
const AT = `/holes/${HOLE}`;

/** @throws ProblemError of what cannot be read, or means nothing here */
export function completionRequest(body: unknown): Translation {
  refuseOfCompletion(body);
  return translated(validate(completionSchema, body), RUNNING_WORDS);
}

/** @throws ProblemError of what cannot be read, or means nothing here */
export function fimRequest(body: unknown): Translation {
  refuseOfCompletion(body);
  return translated(validate(fimSchema, body), RUNNING_TEXT);
}

/** @param plain what a completion is where nothing is said of it */
function translated(request: CompletionRequest, plain: string): Translation {
  const prompt = (Array.isArray(request.prompt) ? request.prompt[0] : request.prompt) ?? '';
  const suffix = request.suffix ?? '';
  const stream = streamOptionsOf(request);
  const shape = shapeOf(request);
  const hole = holeOf(request, shape, plain);
  const template = `${escapeTemplate(prompt, { beforeHole: true })}{{${HOLE}}}${escapeTemplate(suffix, { beforeHole: false })}`;
  checkRoom(template, prompt, suffix);
  const native: GenerationRequest = { ...commonOf(request, stream), template, holes: { [HOLE]: hole.native } };
  return {
    native: present(native) as GenerationRequest,
    origins: [
      { native: '/template', own: prompt === '' && suffix !== '' ? '/suffix' : '/prompt', leaf: true },
      ...hole.origins,
      ...effortOrigin(request),
    ],
    excerpt: { before: request.echo === true ? '' : prompt, behind: suffix },
    promptInText: true,
    tellsHoles: false,
    ...(stream === undefined ? {} : { stream }),
  };
}

function checkRoom(template: string, prompt: string, suffix: string): void {
  if (template.length <= LIMITS.templateCharacters) return;
  const pointer = suffix.length > prompt.length ? '/suffix' : '/prompt';
  const detail = `Prompt and suffix are ${prompt.length + suffix.length} characters long; together they may have ${LIMITS.templateCharacters}, braces that need an escape counted twice.`;
  throw problem('limit_exceeded', detail, { pointer });
}

interface Hole {
  readonly native: HoleSpec;
  readonly origins: readonly Origin[];
}

/** What must hold of the completion alone. */
function holeOf(request: CompletionRequest, { regex, choices, json_schema }: Shape, plain: string): Hole {
  if (json_schema !== undefined) {
    const { pointer } = json_schema;
    const why = 'a completion is text between prompt and suffix; POST /v1/chat/completions takes a JSON Schema';
    throw problem('unsupported_field', `The field ${pointer} asks for what there is not here: ${why}.`, { pointer });
  }
  const lengths = lengthsOf(request);
  const stops = stopsOf(request);
  const { exclude = [] } = request;
  const shaped = regex !== undefined || choices !== undefined;
  const native = present({
    ...Object.fromEntries(lengths.map(({ value: { unit, ...bounds } }) => [unit, bounds])),
    ...(shaped ? { regex: regex?.value, choices: choices?.value } : { regex: plain }),
    exclude: [...exclude, ...stops.map(({ value }) => value)],
  }) as HoleSpec;
  const origins: Origin[] = [
    ...lengths.map(({ value, pointer }) => ({
      native: `${AT}/${value.unit}`,
      own: pointer,
      leaf: pointer.startsWith('/max'),
    })),
    { native: `${AT}/regex`, own: regex?.pointer ?? '/prompt', leaf: true, implied: regex === undefined },
    ...(choices === undefined ? [] : [{ native: `${AT}/choices`, own: choices.pointer }]),
    { native: `${AT}/exclude`, own: exclude.length === 0 ? '/stop' : '/exclude', leaf: false },
    ...stops.map(({ pointer }, i) => ({
      native: `${AT}/exclude/${exclude.length + i}`,
      own: pointer,
      leaf: true,
    })),
  ];
  return { native, origins };
}

/** A hole has one length of each unit. */
function lengthsOf(request: CompletionRequest): readonly Stated<LengthSpec>[] {
  const { length } = request;
  const most = mostTokens(request);
  const stated: Stated<LengthSpec>[] =
    length === undefined
      ? []
      : 'unit' in length
        ? [{ value: length, pointer: '/length' }]
        : length.map((value, i) => ({ value, pointer: `/length/${i}` }));
  if (most !== undefined) {
    const max = Math.min(most.value, LIMITS.lengthBound);
    stated.push({ value: { unit: 'tokens', max }, pointer: most.pointer });
  }
  for (const { value } of stated) {
    only(stated.filter((other) => other.value.unit === value.unit).map((other) => [other.pointer, other] as const));
  }
  return stated;
}

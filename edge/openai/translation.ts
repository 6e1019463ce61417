/** What a request of OpenAI's shape becomes: the native request, and how its answer is told. */
import type { Effort, GenerationRequest } from '../../shared/contract/generation.ts';
import type { CommonRequest, ReasoningEffort } from '../../shared/contract/openai.ts';
import { problem } from '../../shared/contract/problem.ts';
import type { StreamMode } from '../answers/answer.ts';
import type { Excerpt } from './excerpt.ts';
import type { Origin } from './origins.ts';
import { only, type Stated } from './shape.ts';

export interface Translation {
  readonly native: GenerationRequest;
  readonly origins: readonly Origin[];
  readonly excerpt: Excerpt;
  /** Whether the prompt stands in the text itself, so that its positions are counted apart. */
  readonly promptInText: boolean;
  /** Of a template of the caller's own: the values of its holes are part of the answer. */
  readonly tellsHoles: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Undefined: the answer is not streamed. */
  readonly stream?: StreamOptions;
}

export interface StreamOptions {
  readonly usage: boolean;
  /** The events of the denoising too. */
  readonly diffusion: boolean;
  /** The whole text at each step, instead of what it grew by. */
  readonly snapshots: boolean;
}

/** What only a stream can give is refused without one, as OpenAI does. */
export function streamOptionsOf(request: CommonRequest): StreamOptions | undefined {
  const { stream, stream_options: options, diffusing } = request;
  if (stream === true) {
    return {
      usage: options?.include_usage === true,
      diffusion: options?.include_diffusion === true,
      snapshots: diffusing === true,
    };
  }
  for (const [pointer, given] of [
    ['/stream_options', options !== null && options !== undefined],
    ['/diffusing', diffusing === true],
  ] as const) {
    if (given) throw problem('invalid_request', `${pointer} is given without "stream": true.`, { pointer });
  }
  return undefined;
}

const EFFORTS: Readonly<Record<ReasoningEffort, Effort>> = {
  none: 'fast',
  minimal: 'fast',
  instant: 'fast',
  low: 'fast',
  medium: 'balanced',
  high: 'best',
  xhigh: 'best',
  max: 'best',
};

/** The part of the native request that all routes say in the same way. */
export function commonOf(request: CommonRequest, stream: StreamOptions | undefined) {
  const { model, n, seed, temperature, style, cache, choice_probabilities } = request;
  const diffusion = diffusionOf(request);
  const mode: StreamMode = stream?.diffusion || stream?.snapshots ? 'steps' : 'text';
  return present({
    model,
    n,
    seed,
    temperature,
    style,
    cache,
    choice_probabilities,
    diffusion,
    stream: stream && mode,
  });
}

function diffusionOf({ diffusion, reasoning_effort: reasoning }: CommonRequest): GenerationRequest['diffusion'] {
  if (reasoning === null || reasoning === undefined) return diffusion;
  only([
    ['/diffusion/effort', diffusion?.effort],
    ['/reasoning_effort', reasoning],
  ]);
  return { ...diffusion, effort: EFFORTS[reasoning] };
}

/** The most tokens, and where it is said. */
export function mostTokens(
  request: CommonRequest & { readonly max_completion_tokens?: number | null },
): Stated<number> | undefined {
  return only([
    ['/max_tokens', request.max_tokens],
    ['/max_completion_tokens', request.max_completion_tokens],
  ]);
}

/** The sequences of `stop` with their places; they become phrases that the text does not hold. */
export function stopsOf({ stop }: CommonRequest): readonly Stated<string>[] {
  if (stop === null || stop === undefined) return [];
  if (typeof stop === 'string') return [{ value: stop, pointer: '/stop' }];
  return stop.map((value, i) => ({ value, pointer: `/stop/${i}` }));
}

type Present<Value> = { [Key in keyof Value]: Exclude<Value[Key], null> };

/** Without the members that say nothing. */
export function present<Value extends object>(value: Value): Present<Value> {
  const members = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(members) as Present<Value>;
}

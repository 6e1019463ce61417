/**
 * A client of the public API, for Node, browsers and Workers: nothing but `fetch`.
 *
 *     const maskwright = createClient({ key: 'sk_live_...' });
 *     const { text } = await maskwright.generate({ style: 'tagline', prompt: 'a warm blanket' });
 *     for await (const { step, text } of maskwright.steps({ prompt: 'a warm blanket' })) console.log(step, text);
 */

import type { FinishedText, GenerationAnswer, GenerationAnswers } from '../contract/answer.ts';
import type { DecisionAnswer, DecisionRequest } from '../contract/decision.ts';
import type { GenerationRequest } from '../contract/generation.ts';
import type { ModelSummary } from '../contract/manifest.ts';
import { createPresetCalls, type PresetCalls } from './presets.ts';
import { pieces, type Snapshot, snapshots } from './snapshot.ts';
import { type StreamCall, type StreamMessage, streamMessages } from './stream.ts';
import { type CallOptions, createTransport } from './transport.ts';

export { MaskwrightError } from './error.ts';
export type { PresetCalls } from './presets.ts';
export type { Snapshot } from './snapshot.ts';
export type { CallOptions } from './transport.ts';

export interface ClientOptions {
  /** 'sk_live_...' or 'sk_test_...' on servers; 'pk_live_...' or a session, 'cs_...', in browsers. */
  readonly key: string;
  /** Where the API is; 'https://api.maskwright.dev' by default. */
  readonly url?: string;
  /** Tries beyond the first where no answer came or one may come soon (408, 409, 429, 5xx); 2 by default. */
  readonly retries?: number;
  /** In place of the platform's own. */
  readonly fetch?: typeof fetch;
}

/** A request for one text, however it travels. */
export type TextRequest = Omit<GenerationRequest, 'n' | 'stream'>;

export interface Client {
  /** @throws MaskwrightError, as all the others do */
  generate(request: TextRequest, options?: CallOptions): Promise<GenerationAnswer>;
  /** Several texts of one request. */
  generateMany(request: TextRequest & { readonly n: number }, options?: CallOptions): Promise<GenerationAnswers>;
  /** Every denoising step as it happens. Breaking off ends the work. A lost connection is taken up again. */
  steps(request: TextRequest & { readonly n?: number }, options?: CallOptions): AsyncGenerator<Snapshot, void>;
  /** Pieces of the text, from its beginning, that can no longer change. */
  text(request: TextRequest, options?: CallOptions): AsyncGenerator<string, void>;
  /** Questions over a state, answered with probabilities. */
  decide(request: DecisionRequest, options?: CallOptions): Promise<DecisionAnswer>;
  /** Saved requests: made with a secret key, run from pages too. */
  readonly presets: PresetCalls;
  models(options?: Pick<CallOptions, 'signal'>): Promise<readonly ModelSummary[]>;
  /** What the account has, in micro-dollars. */
  balance(options?: Pick<CallOptions, 'signal'>): Promise<Balance>;
}

export interface Balance {
  readonly mode: 'live' | 'test';
  readonly balance: number;
  /** For requests under way. */
  readonly held: number;
  /** `balance` less `held`. */
  readonly available: number;
}

const DEFAULT_URL = 'https://api.maskwright.dev';
const DEFAULT_RETRIES = 2;

export function createClient(options: ClientOptions): Client {
  // Called as a function of its own: a browser's fetch refuses to be a method of something else.
  const { key, url = DEFAULT_URL, retries = DEFAULT_RETRIES, fetch: send = (...call) => fetch(...call) } = options;
  const call = createTransport({ key, url, retries, fetch: send });
  const headersOf = ({ idempotencyKey = crypto.randomUUID() }: CallOptions) => ({ 'idempotency-key': idempotencyKey });

  async function post<Answer>(path: string, body: object, options: CallOptions): Promise<Answer> {
    const headers = headersOf(options);
    const response = await call({ method: 'POST', path, body, headers, signal: options.signal, repeatable: true });
    return (await response.json()) as Answer;
  }

  async function get<Answer>(path: string, { signal }: Pick<CallOptions, 'signal'>): Promise<Answer> {
    return (await (await call({ path, signal, repeatable: true })).json()) as Answer;
  }

  const generation = (body: object, options: CallOptions) =>
    post<GenerationAnswer | GenerationAnswers>('/v1/generations', body, options);

  function stream(
    to: Pick<StreamCall, 'path' | 'resumable' | 'body'>,
    options: CallOptions,
  ): AsyncGenerator<StreamMessage> {
    return streamMessages(call, { ...to, headers: headersOf(options), signal: options.signal, retries });
  }

  const generating = { path: '/v1/generations', resumable: true };

  return {
    generate: async (request, options = {}) => (await generation(request, options)) as GenerationAnswer,
    async generateMany(request, options = {}) {
      const answer = await generation(request, options);
      return 'choices' in answer ? answer : several(answer);
    },
    steps: (request, options = {}) =>
      snapshots(stream({ ...generating, body: { ...request, stream: 'steps' } }, options)),
    text: (request, options = {}) => pieces(stream({ ...generating, body: { ...request, stream: 'text' } }, options)),
    presets: createPresetCalls(call, {
      post,
      // Of those that may run a preset, only secret keys may take up a stream.
      stream: (path, body, options) => stream({ path, resumable: key.startsWith('sk_'), body }, options),
    }),
    decide: (request, options = {}) => post('/v1/decisions', request, options),
    models: async (options = {}) => (await get<{ data: readonly ModelSummary[] }>('/v1/models', options)).data,
    balance: (options = {}) => get('/v1/balance', options),
  };
}

/** One text in the form of several. */
function several(answer: GenerationAnswer): GenerationAnswers {
  const { id, object, model, revision, seed, cache, ...text } = answer;
  const only: FinishedText = text;
  return { id, object, model, revision, seed, cache, usage: only.usage, choices: [{ ...only, index: 0 }] };
}

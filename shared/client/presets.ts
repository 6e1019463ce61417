/** Presets through a client: managed with a secret key, run with whatever may run them. */
import type { GenerationAnswer } from '../contract/answer.ts';
import type { ClientSession, ClientSessionRequest } from '../contract/client-session.ts';
import type { Preset, PresetRequest } from '../contract/preset.ts';
import { pieces, type Snapshot, snapshots } from './snapshot.ts';
import type { StreamCall, StreamMessage } from './stream.ts';
import type { CallOptions, Transport } from './transport.ts';

/** Values by the names of variables. */
export type VariableValues = Readonly<Record<string, string>>;

type Signal = Pick<CallOptions, 'signal'>;

export interface PresetPage {
  readonly data: readonly Preset[];
  readonly has_more: boolean;
}

export interface PresetCalls {
  run(id: string, variables?: VariableValues, options?: CallOptions): Promise<GenerationAnswer>;
  /** Every denoising step of a run. Breaking off ends the work. */
  steps(id: string, variables?: VariableValues, options?: CallOptions): AsyncGenerator<Snapshot, void>;
  /** Pieces of the text of a run, from its beginning, that can no longer change. */
  text(id: string, variables?: VariableValues, options?: CallOptions): AsyncGenerator<string, void>;
  create(preset: PresetRequest, options?: Signal): Promise<Preset>;
  /** Newest first; `after`: the id of the last one of the page before. */
  list(page?: { readonly limit?: number; readonly after?: string }, options?: Signal): Promise<PresetPage>;
  read(id: string, options?: Signal): Promise<Preset>;
  /** Puts another preset under the same id. */
  replace(id: string, preset: PresetRequest, options?: Signal): Promise<Preset>;
  delete(id: string, options?: Signal): Promise<void>;
  /** Leave for a page to run one: given by a server with a secret key, or for a token of Turnstile. */
  openSession(request: ClientSessionRequest, options?: Signal): Promise<ClientSession>;
}

/** What a client does for them. */
export interface PresetWays {
  post(path: string, body: object, options: CallOptions): Promise<GenerationAnswer>;
  stream(path: string, body: StreamCall['body'], options: CallOptions): AsyncGenerator<StreamMessage>;
}

const ALL = '/v1/presets';
const one = (id: string) => `${ALL}/${encodeURIComponent(id)}`;

export function createPresetCalls(call: Transport, { post, stream }: PresetWays): PresetCalls {
  async function json<Answer>(parts: Omit<Parameters<Transport>[0], 'repeatable'>, repeatable = true) {
    return (await (await call({ ...parts, repeatable })).json()) as Answer;
  }
  return {
    run: (id, variables = {}, options = {}) => post(`${one(id)}/runs`, { variables }, options),
    steps: (id, variables = {}, options = {}) =>
      snapshots(stream(`${one(id)}/runs`, { variables, stream: 'steps' }, options)),
    text: (id, variables = {}, options = {}) =>
      pieces(stream(`${one(id)}/runs`, { variables, stream: 'text' }, options)),
    // Sent twice it would make two.
    create: (body, { signal } = {}) => json({ method: 'POST', path: ALL, body, signal }, false),
    list({ limit, after } = {}, { signal } = {}) {
      const given = Object.entries({ limit, after }).filter(([, value]) => value !== undefined);
      const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
      return json({ path: `${ALL}?${query}`, signal });
    },
    read: (id, { signal } = {}) => json({ path: one(id), signal }),
    replace: (id, body, { signal } = {}) => json({ method: 'PUT', path: one(id), body, signal }),
    async delete(id, { signal } = {}) {
      await call({ method: 'DELETE', path: one(id), signal, repeatable: true });
    },
    // A token of Turnstile opens one session.
    openSession: (body, { signal } = {}) =>
      json({ method: 'POST', path: '/v1/client_sessions', body, signal }, body.turnstile_token === undefined),
  };
}

/**
 * The calls of the API that the dashboard makes, with the key that somebody signed in with. The key is in this closure and nowhere else:
 * signing out drops it, and no page that is loaded again has it.
 */
import { type Balance, type Client, createClient } from '../../../shared/client/client.ts';
import { type Call, createTransport } from '../../../shared/client/transport.ts';
import type { Preset, PresetRequest } from '../../../shared/contract/preset.ts';
import type { AskedKey, AuditEntry, Group, Key, Mode, NewKey, Page, RequestLine, TopUp, Usage } from './wire.ts';

/** Entries of a page of a list. */
const PAGE = 20;
/** The most that the API gives at once. */
const MOST = 100;
const RETRIES = 1;

export interface Api {
  /** Of the key; a live one may ask about both. */
  readonly mode: Mode;
  readonly last4: string;
  /** Makes texts with the same key, or another one. */
  client(key?: string): Client;
  balance(mode: Mode): Promise<Balance>;
  topUp(microDollars: number): Promise<TopUp>;
  usage(mode: Mode, group: Group, from: string): Promise<Usage>;
  requests(mode: Mode, after?: string): Promise<Page<RequestLine>>;
  keys(after?: string): Promise<Page<Key>>;
  createKey(asked: AskedKey): Promise<NewKey>;
  rotateKey(id: string, overlapSeconds: number): Promise<NewKey>;
  revokeKey(id: string): Promise<Key>;
  /** Those of the key's own mode. */
  presets(after?: string): Promise<Page<Preset>>;
  createPreset(asked: PresetRequest): Promise<Preset>;
  replacePreset(id: string, asked: PresetRequest): Promise<Preset>;
  deletePreset(id: string): Promise<void>;
  audit(after?: string): Promise<Page<AuditEntry>>;
}

export interface ApiOptions {
  /** That of the key. */
  readonly mode: Mode;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
  /** Told when the key is no key any more. */
  readonly refused: (error: unknown) => void;
}

export function createApi(key: string, { mode, signal, refused }: ApiOptions): Api {
  const url = location.origin;
  const transport = createTransport({ key, url, retries: RETRIES, fetch: (...call) => fetch(...call) });

  async function call<Answer>(call: Omit<Call, 'repeatable'>): Promise<Answer> {
    try {
      const response = await transport({ ...call, signal, repeatable: call.method === undefined });
      return (response.status === 204 ? undefined : await response.json()) as Answer;
    } catch (error) {
      if ((error as { readonly status?: number }).status === 401) refused(error);
      throw error;
    }
  }

  const page = <Item>(path: string, query: Readonly<Record<string, string | undefined>>, limit = PAGE) =>
    call<Page<Item>>({ path: `${path}?${search({ ...query, limit: String(limit) })}` });

  return {
    mode,
    last4: key.slice(-4),
    client: (other = key) => createClient({ key: other, url, retries: RETRIES }),
    balance: (of) => call({ path: `/v1/balance?${search({ mode: of })}` }),
    topUp: (amount_micro_dollars) => {
      const back = `${url}/dashboard/`;
      const body = { amount_micro_dollars, success_url: `${back}#paid`, cancel_url: `${back}#not-paid` };
      return call({ method: 'POST', path: '/v1/top-ups', body });
    },
    usage: (of, group, from) => call({ path: `/v1/usage?${search({ mode: of, group, from })}` }),
    requests: (of, after) => page('/v1/requests', { mode: of, after }),
    keys: (after) => page('/v1/keys', { after }, MOST),
    createKey: (body) => call({ method: 'POST', path: '/v1/keys', body }),
    rotateKey: (id, overlap_seconds) =>
      call({ method: 'POST', path: `/v1/keys/${id}/rotate`, body: { overlap_seconds } }),
    revokeKey: (id) => call({ method: 'DELETE', path: `/v1/keys/${id}` }),
    presets: (after) => page('/v1/presets', { after }, MOST),
    createPreset: (body) => call({ method: 'POST', path: '/v1/presets', body }),
    replacePreset: (id, body) => call({ method: 'PUT', path: `/v1/presets/${id}`, body }),
    deletePreset: (id) => call({ method: 'DELETE', path: `/v1/presets/${id}` }),
    audit: (after) => page('/v1/audit', { after }),
  };
}

function search(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return new URLSearchParams(given).toString();
}

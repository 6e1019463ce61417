/** A shop with a preset, a page of it, and what the page has to run the preset with. */
import type { ClientSession } from '../../../shared/contract/client-session.ts';
import { metered } from '../metered.ts';

export const PAGE = 'https://shop.example';

const PRESET = {
  name: 'greeting',
  request: { template: 'Hello {{var:who}}, {{rest:words=1..4}}' },
  variables: { who: { max_characters: 20, default: 'you' } },
  daily_limit_micro_dollars: 1_000_000,
};

export type Shop = Awaited<ReturnType<typeof openShop>>;

export async function openShop() {
  const running = await metered();
  /** Sends JSON, from a page where there is one. */
  const post = (path: string, bearer: string, body: unknown, headers: Record<string, string> = {}) =>
    running.send(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const made = async <Answer>(path: string, bearer: string, body: unknown): Promise<Answer> => {
    const response = await post(path, bearer, body);
    if (response.status !== 201) throw new Error(await response.text());
    return response.json();
  };
  const preset = async (more: object = {}, by = running.key) =>
    (await made<{ id: string }>('/v1/presets', by, { ...PRESET, ...more })).id;
  return {
    ...running,
    post,
    preset,
    /** Replaces what a preset asks for. */
    replace: (id: string, more: object) =>
      running.sendJson(`/v1/presets/${id}`, running.key, { ...PRESET, ...more }, 'PUT'),
    /** A publishable key of the page. */
    publishable: async () => {
      const asked = { name: 'page', kind: 'publishable', origins: [PAGE], monthly_limit_micro_dollars: 1_000_000 };
      return await made<{ id: string; key: string }>('/v1/keys', running.key, asked);
    },
    /** A session that the shop's own server opened. */
    session: (id: string, more: object = {}, by = running.key) =>
      made<ClientSession>('/v1/client_sessions', by, { preset: id, origin: PAGE, ...more }),
    /** A run from the page. */
    run: (id: string, bearer: string, body: object = {}, headers: Record<string, string> = {}) =>
      post(`/v1/presets/${id}/runs`, bearer, body, { origin: PAGE, ...headers }),
  };
}

/** The status and the code of a refusal, with its pointer where it has one. */
export async function refusal(response: Response): Promise<readonly (string | number)[]> {
  const { code, pointer } = (await response.json()) as { code: string; pointer?: string };
  return [response.status, code, ...(pointer === undefined ? [] : [pointer])];
}

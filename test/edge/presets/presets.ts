/** Presets of an account of a test, and their runs. */
import { expect } from 'vitest';
import type { Preset } from '../../../shared/contract/preset.ts';
import type { metered } from '../metered.ts';

export type Running = Awaited<ReturnType<typeof metered>>;

/** What a preset of the tests asks for, where they do not say. */
export const GREETING = {
  name: 'greeting',
  request: { template: 'Hello {{var:who}}, {{rest:words=1..4}}' },
  variables: { who: { max_characters: 20 } },
  daily_limit_micro_dollars: 1_000_000,
};

export async function makePreset(
  { sendJson, key }: Pick<Running, 'sendJson' | 'key'>,
  more: object = {},
  by = key,
): Promise<Preset> {
  const response = await sendJson('/v1/presets', by, { ...GREETING, ...more });
  expect(await response.clone().text()).toContain('"object":"preset"');
  expect(response.status).toBe(201);
  return response.json();
}

export const runOf = (
  { sendJson, key }: Pick<Running, 'sendJson' | 'key'>,
  preset: string,
  variables: object = {},
  more: object = {},
  by = key,
): Promise<Response> => sendJson(`/v1/presets/${preset}/runs`, by, { variables, ...more });

/** The code and the pointer of a refusal. */
export async function refusal(response: Response): Promise<readonly [number, string, string | undefined]> {
  const { code, pointer } = (await response.json()) as { code: string; pointer?: string };
  return [response.status, code, pointer];
}

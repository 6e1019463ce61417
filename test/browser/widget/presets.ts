/** What a website's owner makes once with a secret key: presets, publishable keys, client sessions. */
import { inject } from 'vitest';

async function made<Answer>(path: string, body: object): Promise<Answer> {
  const response = await fetch(`${inject('url')}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inject('liveKey')}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${path}: ${answer}`);
  return JSON.parse(answer) as Answer;
}

/** Id of a new preset. */
export async function makePreset(request: object, more: object = {}): Promise<string> {
  const limits = { daily_limit_micro_dollars: 5_000_000, visitor_runs_per_minute: 1_000, visitor_runs_per_day: 10_000 };
  return (await made<{ id: string }>('/v1/presets', { name: 'test', request, ...limits, ...more })).id;
}

/** A publishable key for pages of an origin. */
export async function makeKey(origin: string): Promise<string> {
  const limit = { monthly_limit_micro_dollars: 50_000_000 };
  const asked = { name: 'website', kind: 'publishable', origins: [origin], ...limit };
  return (await made<{ key: string }>('/v1/keys', asked)).key;
}

export const makeSession = (session: { preset: string; origin: string; [field: string]: unknown }) =>
  made<{ client_secret: string; expires_at: string }>('/v1/client_sessions', session);

/** What the account has left, in micro-dollars. */
export async function balance(): Promise<number> {
  const headers = { authorization: `Bearer ${inject('liveKey')}` };
  const response = await fetch(`${inject('url')}/v1/balance`, { headers });
  return ((await response.json()) as { balance: number }).balance;
}

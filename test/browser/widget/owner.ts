/** The owner of a website: an account, and what it makes once with its secret key. */
import { inject } from 'vitest';
import { openAccount } from '../account.ts';

const MICRO_DOLLARS = 50_000_000;
const LIMITS = { daily_limit_micro_dollars: 5_000_000, visitor_runs_per_minute: 1_000, visitor_runs_per_day: 10_000 };

export interface Owner {
  /** Id of a new preset. */
  preset(request: object, more?: object): Promise<string>;
  /** A publishable key for the pages of an origin. */
  key(origin: string): Promise<string>;
  session(asked: { readonly preset: string; readonly origin: string; readonly uses?: number }): Promise<ClientSession>;
  /** Micro-dollars that are left. */
  balance(): Promise<number>;
}

export interface ClientSession {
  readonly client_secret: string;
  readonly expires_at: string;
}

export async function openOwner(): Promise<Owner> {
  const { live } = await openAccount(MICRO_DOLLARS);
  async function ask<Answer>(path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${inject('url')}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${live}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return (await response.json()) as Answer;
  }
  return {
    async preset(request, more = {}) {
      return (await ask<{ id: string }>('/v1/presets', { name: 'test', request, ...LIMITS, ...more })).id;
    },
    async key(origin) {
      const limit = { monthly_limit_micro_dollars: MICRO_DOLLARS };
      const asked = { name: 'website', kind: 'publishable', origins: [origin], ...limit };
      return (await ask<{ key: string }>('/v1/keys', asked)).key;
    },
    session: (asked) => ask('/v1/client_sessions', asked),
    balance: async () => (await ask<{ balance: number }>('/v1/balance')).balance,
  };
}

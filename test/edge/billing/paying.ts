/** An edge at which requests pay for themselves, and the shorthands of its tests. */
import { decodePaymentRequiredHeader } from '@x402/core/http';
import type { PaymentRequired } from '@x402/core/types';
import { expect } from 'vitest';
import { edge } from '../upstream.ts';
import { rowsOf } from './bindings.ts';
import { facilitator, pay, settings, type Terms } from './facilitator.ts';
import { onlyReach } from './stand-ins.ts';

/** What two steps over four positions cost. */
export const COST = 1;

export const request = { template: 'Hello {{name}}', seed: 1 };

/** An edge at which requests can be paid for one by one, and its facilitator. */
export async function paying() {
  const chain = facilitator();
  onlyReach({ 'facilitator.invalid': chain.server });
  const running = await edge();
  Object.assign(running.env, { ...settings, PRICES: JSON.stringify({ small: { computed: 125_000, cached: 1 } }) });
  const post = (path: string, headers: Record<string, string>, body: object) =>
    running.send(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const send = (headers: Record<string, string> = {}, body: object = request) => post('/v1/generations', headers, body);
  const required = async (body: object = request): Promise<PaymentRequired> => {
    const response = await send({}, body);
    expect(response.status).toBe(402);
    return decodePaymentRequiredHeader(response.headers.get('payment-required') ?? '');
  };
  const paid = async (body: object = request, terms: Terms = {}) => {
    const asked = await required(body);
    const most = asked.accepts[0].amount;
    return { most, header: await pay(asked, terms), response: await send(await pay(asked, terms), body) };
  };
  const rows = () => rowsOf('SELECT state, amount, work, problem FROM payments');
  return { ...running, chain: chain.state, onChain: chain.settled, post, send, required, paid, rows };
}

export const codeOf = async (response: Response) => [
  response.status,
  ((await response.json()) as { code?: string }).code,
];

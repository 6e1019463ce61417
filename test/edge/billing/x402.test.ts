/** Requests that pay for themselves: the client of @x402/core on one side, a stand-in for a facilitator on the other. */
import { decodePaymentRequiredHeader, decodePaymentResponseHeader } from '@x402/core/http';
import { PaymentRequiredV2Schema } from '@x402/core/schemas';
import type { PaymentRequired } from '@x402/core/types';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { collectPayments } from '../../../edge/billing/x402/collect.ts';
import { problemBody } from '../../../shared/contract/problem.ts';
import { edge, ndjson, recorded } from '../upstream.ts';
import { emptyTables, rowsOf } from './bindings.ts';
import { facilitator, NETWORK, PAYER, pay, settings, type Terms } from './facilitator.ts';
import { onlyReach } from './stand-ins.ts';

beforeEach(emptyTables);
afterEach(() => vi.restoreAllMocks());

/** What two steps over four positions cost. */
const COST = 1;
const MINUTE = 60_000;

const request = { template: 'Hello {{name}}', seed: 1 };

/** An edge at which requests can be paid for one by one, and its facilitator. */
async function paying() {
  const chain = facilitator();
  onlyReach({ 'facilitator.invalid': chain.server });
  const running = await edge();
  Object.assign(running.env, { ...settings, PRICES: JSON.stringify({ small: { computed: 125_000, cached: 1 } }) });
  const send = (headers: Record<string, string> = {}, body: object = request) =>
    running.send('/v1/generations', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
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
  return { ...running, chain: chain.state, onChain: chain.settled, send, required, paid, rows };
}

const codeOf = async (response: Response) => [response.status, ((await response.json()) as { code?: string }).code];

describe('a request without a key', () => {
  it('needs one where payments are not configured', async () => {
    const { send } = await edge();
    const response = await send('/v1/generations', { method: 'POST', body: '{}' });
    expect(await codeOf(response)).toEqual([401, 'missing_key']);
    expect(response.headers.get('payment-required')).toBeNull();
  });

  it('is told what it can cost at most, as @x402/core reads it', async () => {
    const { required, generations } = await paying();
    const asked = await required();
    expect(PaymentRequiredV2Schema.safeParse(asked).success).toBe(true);
    expect(asked).toMatchObject({
      x402Version: 2,
      resource: { url: 'https://edge.invalid/v1/generations' },
      accepts: [
        {
          ...{ scheme: 'upto', network: NETWORK, asset: settings.X402_ASSET, payTo: settings.X402_PAY_TO },
          extra: { name: 'USDC', version: '2', assetTransferMethod: 'permit2', facilitatorAddress: expect.any(String) },
        },
      ],
    });
    const twice = await required({ ...request, n: 2 });
    expect(Number(twice.accepts[0].amount)).toBe(2 * Number(asked.accepts[0].amount));
    expect(generations()).toBe(0);
  });

  it('is refused as any other where it cannot be answered, before it is asked to pay', async () => {
    const { send } = await paying();
    expect(await codeOf(await send({}, { template: 'Hello {{name' }))).toEqual([400, 'invalid_template']);
  });

  it('is answered and charged what ran, and the answer carries the receipt', async () => {
    const { paid, rows, onChain, chain } = await paying();
    const { most, response } = await paid();
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ text: 'Hello wörld', usage: { price: { micro_dollars: COST } } });
    expect(Number(most)).toBeGreaterThan(COST);
    const receipt = decodePaymentResponseHeader(response.headers.get('payment-response') ?? '');
    expect(receipt).toEqual({
      success: true,
      transaction: `0x${'ab'.repeat(32)}`,
      network: NETWORK,
      payer: PAYER,
      amount: '1',
    });
    expect([...onChain.values()]).toEqual([String(COST)]);
    expect(await rows()).toEqual([{ state: 'settled', amount: COST, work: 8, problem: null }]);
    expect(chain.calls.filter((path) => path !== '/supported')).toEqual(['/verify', '/settle']);
  });

  it('gets the receipt of a stream in a comment at its end', async () => {
    const { paid, onChain } = await paying();
    const { response } = await paid({ ...request, stream: 'steps' });
    const text = await response.text();
    expect(response.headers.get('payment-response')).toBeNull();
    const [, encoded = ''] = /data: \[DONE\]\n\n: payment-response (\S+)\n\n$/.exec(text) ?? [];
    expect(decodePaymentResponseHeader(encoded)).toMatchObject({ success: true, amount: String(COST) });
    expect(onChain.size).toBe(1);
  });

  it('pays once with one payment, however its nonce is written', async () => {
    const { required, send, generations, onChain } = await paying();
    const asked = await required();
    const first = await pay(asked, { nonce: '255' });
    const answers = await Promise.all([send(first), send(first), send(first)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 402, 402]);
    const again = [
      first,
      await pay(asked, { nonce: '0xff' }),
      await pay(asked, { nonce: '0x00FF', from: PAYER.toLowerCase() }),
    ];
    for (const header of again) expect(await codeOf(await send(header))).toEqual([402, 'payment_invalid']);
    expect([generations(), onChain.size]).toEqual([1, 1]);
  });

  it('is not answered where its payment is another one than was asked for', async () => {
    const { required, send, generations, chain } = await paying();
    const asked = await required();
    const soon = Math.floor(Date.now() / 1000) + 60;
    const bad: [Record<string, string>, string][] = [
      [{ 'payment-signature': '%%%' }, 'payment_invalid'],
      [{ 'payment-signature': btoa('{}') }, 'payment_invalid'],
      [{ 'payment-signature': btoa('null') }, 'payment_invalid'],
      [{ 'payment-signature': btoa(' '.repeat(20_000)) }, 'payment_invalid'],
      [await pay(asked, { nonce: '-1' }), 'payment_invalid'],
      [await pay(asked, { from: 'me' }), 'payment_invalid'],
      [await pay(asked, { deadline: soon }), 'payment_invalid'],
      [await pay(asked, { amount: '1' }), 'payment_invalid'],
      [await pay(asked, { payTo: '0x1111111111111111111111111111111111111111' }), 'payment_invalid'],
      [await pay(asked, {}, { amount: '1' }), 'payment_required'],
      [await pay(asked, {}, { amount: '99999' }), 'payment_invalid'],
      [await pay(asked, {}, { scheme: 'exact' }), 'payment_required'],
      [await pay(asked, {}, { network: 'eip155:1' }), 'payment_required'],
      [await pay(asked, {}, { payTo: PAYER }), 'payment_required'],
      [await pay(asked, {}, { asset: PAYER }), 'payment_required'],
    ];
    for (const [header, code] of bad) {
      const response = await send(header);
      expect(await codeOf(response)).toEqual([402, code]);
      expect(response.headers.has('payment-required')).toBe(code === 'payment_required');
    }
    expect(generations()).toBe(0);
    expect(chain.calls).not.toContain('/settle');
    expect(await rowsOf('SELECT * FROM payments')).toEqual([]);
  });

  it('may be paid with more than was asked for', async () => {
    const { required, send, onChain } = await paying();
    const asked = await required();
    const more = String(Number(asked.accepts[0].amount) + 500);
    expect((await send(await pay(asked, { amount: more }, { amount: more }))).status).toBe(200);
    expect([...onChain.values()]).toEqual([String(COST)]);
  });

  it('costs nothing where we fail', async () => {
    const { paid, state, rows, chain } = await paying();
    state.behave = () => Response.json(problemBody({ code: 'internal_error', detail: 'x' }), { status: 500 });
    expect((await paid()).response.status).toBe(500);
    await expect.poll(rows).toEqual([{ state: 'released', amount: null, work: null, problem: null }]);
    expect(chain.calls).not.toContain('/settle');
  });

  it('does not run where the facilitator cannot be asked', async () => {
    const { required, send, generations, chain } = await paying();
    const header = await pay(await required());
    chain.down = true;
    expect(await codeOf(await send(header))).toEqual([502, 'upstream_failed']);
    expect(generations()).toBe(0);
    chain.down = false;
    expect((await send(header)).status).toBe(200);
  });
});

describe('a payment that does not settle', () => {
  it('is tried again until it does, where the facilitator is not there', async () => {
    const { paid, rows, state, chain, env, onChain } = await paying();
    const lines: Record<string, unknown>[] = [];
    vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(JSON.parse(line)));
    state.behave = (job) => {
      chain.down = true;
      return ndjson(recorded(job));
    };
    const { response } = await paid();
    expect(await response.json()).toMatchObject({ text: 'Hello wörld' });
    expect(response.headers.get('payment-response')).toBeNull();
    expect(await rows()).toMatchObject([{ state: 'settling', amount: COST, problem: 'no answer' }]);
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', msg: 'a payment was not settled' }));
    await collectPayments(env, () => Date.now() + MINUTE);
    expect(await rows()).toMatchObject([{ state: 'settling' }]);
    chain.down = false;
    await collectPayments(env, () => Date.now() + 2 * MINUTE);
    expect(await rows()).toMatchObject([{ state: 'settled', amount: COST }]);
    expect([...onChain.values()]).toEqual([String(COST)]);
  });

  it('is given up, and logged, when nobody can settle it any more', async () => {
    const { paid, rows, state, chain, env } = await paying();
    state.behave = (job) => {
      chain.down = true;
      return ndjson(recorded(job));
    };
    await paid();
    await collectPayments(env, () => Date.now() + 60 * MINUTE);
    expect(await rows()).toMatchObject([{ state: 'lost' }]);
  });

  it('gives no answer where the facilitator refuses it, and is not tried again', async () => {
    const { paid, rows, chain, env, onChain } = await paying();
    chain.refuses = 'insufficient_funds';
    const { response } = await paid();
    expect(decodePaymentResponseHeader(response.headers.get('payment-response') ?? '')).toMatchObject({
      success: false,
      errorReason: 'insufficient_funds',
    });
    expect(await codeOf(response)).toEqual([402, 'payment_invalid']);
    chain.refuses = '';
    await collectPayments(env, () => Date.now() + 2 * MINUTE);
    expect(await rows()).toMatchObject([{ state: 'lost' }]);
    expect(onChain.size).toBe(0);
  });
});

describe('a payment whose reader left', () => {
  /** Reads a stream up to its first step and leaves; the service then says this of the job. */
  async function left(says: () => Response | Promise<Response>) {
    const running = await paying();
    const { env, state } = running;
    const backend = env.BACKEND;
    Object.assign(env, {
      BACKEND: {
        fetch: (url: string, init?: RequestInit) =>
          new URL(url).pathname.startsWith('/jobs/') ? says() : backend?.fetch(url, init),
      },
    });
    state.behave = (job, signal) => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          const lines = recorded(job)
            .slice(0, 2)
            .map((event, seq) => `${JSON.stringify({ seq, ...event })}\n`);
          controller.enqueue(new TextEncoder().encode(lines.join('')));
          signal?.addEventListener('abort', () => controller.error(new Error('aborted')));
        },
      });
      return new Response(body);
    };
    const { response } = await running.paid({ ...request, stream: 'steps' });
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await running.settled();
    return running;
  }

  const work = (state: string, outcome?: string) => () =>
    Response.json({ id: 'gen', state, outcome, texts: [{ positions: 4, denoising_steps: 1 }] });

  it('is charged what ran, as the service says, when he can no longer come back', async () => {
    const { env, rows, chain } = await left(work('ended', 'left'));
    await collectPayments(env, () => Date.now() + 5_000);
    expect(await rows()).toMatchObject([{ state: 'held' }]);
    await collectPayments(env, () => Date.now() + MINUTE);
    expect(await rows()).toEqual([{ state: 'settled', amount: 1, work: 4, problem: null }]);
    expect(chain.calls.filter((path) => path === '/settle')).toHaveLength(1);
  });

  it.each([
    ['nothing where we failed', work('ended', 'problem')],
    [
      'nothing where no service knows of it',
      () => Response.json(problemBody({ code: 'stream_gone', detail: 'gone' }), { status: 410 }),
    ],
  ])('is charged %s', async (_what, says) => {
    const { env, rows, chain } = await left(says);
    await collectPayments(env, () => Date.now() + MINUTE);
    expect(await rows()).toMatchObject([{ state: 'released' }]);
    expect(chain.calls).not.toContain('/settle');
  });

  it('is looked at again where it still runs, and given up where no service answers', async () => {
    let now = Date.now() + MINUTE;
    const running = await left(work('running'));
    await collectPayments(running.env, () => now);
    expect(await running.rows()).toMatchObject([{ state: 'held' }]);
    const silent = await left(() => Promise.reject(new Error('connection refused')));
    await rowsOf("DELETE FROM payments WHERE state = 'held' AND attempts > 0");
    for (let i = 0; i < 20; i++) {
      now += MINUTE;
      await collectPayments(silent.env, () => now);
    }
    expect(await silent.rows()).toMatchObject([{ state: 'released' }]);
  });
});
